"""Forward and backward of one sequence: scaled, and in log space for what scaling cannot hold; the most likely path.

Legend beside that of `models.hmm.core` and `models.hmm.lanes`
    W             S rounded up to whole vectors of eight: here a lane is a state, and those from S on hold zeros
    A_padded      A (S, W), and A_turned its transpose, flat: a row is what one state brings to all others

`expect_single` is `hmm_lanes.expect_lanes` for a sequence alone, or one that is too long to be padded to seven others;
`expect_in_log_space` is ten times slower and has no limits.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

from typing import Any

import numpy as np

from models.hmm import vectors as hmm_vectors
from models.hmm.lanes import LARGEST, RESCALE, TINY
from models.hmm.vectors import N_LANES, add, choose, fma, has_below, load, multiply, splat, store
from models.kernels.kernel_cache import kernel, kernel_part


@kernel_part
def _padded(A: Any, width: Any, filled: Any, is_turned: Any) -> Any:
    """The matrix (S, S) with rows of `width` numbers, flat; `filled` stands where no state is."""
    n_states = len(A)
    padded = np.full(n_states * width, filled)
    for i in range(n_states):
        for j in range(n_states):
            padded[i * width + j] = A[j, i] if is_turned else A[i, j]
    return padded


@kernel(hmm_vectors)
def expect_single(  # noqa: C901, PLR0912, PLR0915  # one recursion there, one back
    states: Any,
    pi: Any,
    A: Any,
    table: Any,
    index: Any,
    start: Any,
    n_steps: Any,
    is_careful: Any,
    with_counts: Any,
    rows: Any,
    start_counts: Any,
    counts: Any,
) -> Any:
    """The log-likelihood of the `n_steps` from `start`, NaN (and nothing added) where scaling would lose something.

    As for `expect_lanes`: `table`, followed by eight zeros, and `rows` (K * S,) are flat; `start_counts` (S,), `counts`
    (S, S).
    """
    n_states, is_own = len(states), len(index) == 0
    width = (n_states + N_LANES - 1) // N_LANES * N_LANES
    there, back = _padded(A, width, 0.0, False), _padded(A, width, 0.0, True)
    alpha, scales = np.empty(n_steps * n_states + N_LANES), np.empty(n_steps)
    first = np.zeros(width)
    first[:n_states] = pi
    one, zero, tiny, largest = splat(1.0), splat(0.0), splat(TINY), splat(LARGEST)
    log_likelihood, total = 0.0, 0.0
    for t in range(n_steps):
        kind = start + t if is_own else index[start + t]
        here = t * n_states
        for v in range(0, width, N_LANES):
            if t == 0:
                reach = load(first, v)
            else:
                reach = multiply(splat(alpha[here - n_states]), load(there, v))
                for i in range(1, n_states):
                    reach = fma(splat(alpha[here - n_states + i]), load(there, i * width + v), reach)
            likelihood = load(table, kind * n_states + v)
            value = multiply(reach, likelihood)
            if is_careful and has_below(choose(reach, zero, choose(likelihood, zero, value, one), one), tiny):
                return np.nan
            store(alpha, here + v, value)
        total = 0.0
        for i in range(n_states):
            total += alpha[here + i]
        scales[t] = 1.0
        if total < RESCALE:
            if not total > TINY:
                return np.nan
            for i in range(n_states):
                alpha[here + i] /= total
            scales[t] = 1.0 / total
            log_likelihood += np.log(total)
            total = 1.0
    at_end = 1.0 / total
    log_likelihood -= np.log(at_end)
    if not with_counts:
        return log_likelihood
    beta, weighted, gamma, moves = np.full(width, at_end), np.empty(width), np.empty(width), np.zeros(n_states * width)
    for t in range(n_steps - 1, -1, -1):
        kind = start + t if is_own else index[start + t]
        here = t * n_states
        total = 0.0
        for v in range(0, width, N_LANES):
            store(gamma, v, multiply(load(alpha, here + v), load(beta, v)))
        for i in range(n_states):
            total += gamma[i]
        share = 1.0 / total  # 1 but for rounding, which would add up over 10^6 steps
        for i in range(n_states):
            rows[kind * n_states + i] += gamma[i] * share
        if t == 0:
            break
        for v in range(0, width, N_LANES):
            ahead = multiply(multiply(load(table, kind * n_states + v), splat(scales[t])), load(beta, v))
            if is_careful:
                ahead = choose(largest, ahead, ahead, largest)
            store(weighted, v, ahead)
        for v in range(0, width, N_LANES):
            reach = zero
            to = load(weighted, v)
            for j in range(n_states):
                reach = fma(splat(weighted[j]), load(back, j * width + v), reach)
                store(moves, j * width + v, fma(splat(alpha[here - n_states + j]), to, load(moves, j * width + v)))
            if is_careful:
                reach = choose(largest, reach, reach, largest)
            store(beta, v, reach)
    for i in range(n_states):
        start_counts[i] += gamma[i] / total
        for j in range(n_states):
            counts[i, j] += A[i, j] * moves[i * width + j]
    return log_likelihood


@kernel_part
def _log_sum(values: Any) -> Any:
    largest = values.max()
    return largest if largest == -np.inf else largest + np.log(np.sum(np.exp(values - largest)))


@kernel()
def expect_in_log_space(
    log_pi: Any, log_A: Any, log_b: Any, index: Any, rows: Any, start_counts: Any, counts: Any
) -> Any:
    """As `expect_single`, for log-likelihoods (T, S); -inf (and nothing added) where the sequence is impossible."""
    n_steps, n_states = log_b.shape
    log_alpha = np.empty((n_steps, n_states))
    log_alpha[0] = log_pi + log_b[0]
    for t in range(1, n_steps):
        for j in range(n_states):
            log_alpha[t, j] = _log_sum(log_alpha[t - 1] + log_A[:, j]) + log_b[t, j]
    log_likelihood = _log_sum(log_alpha[n_steps - 1])
    if log_likelihood == -np.inf:
        return log_likelihood
    log_beta = np.zeros(n_states)
    for t in range(n_steps - 1, -1, -1):
        gamma = np.exp(log_alpha[t] + log_beta - log_likelihood)
        gamma /= gamma.sum()
        rows[index[t]] += gamma
        if t == 0:
            start_counts += gamma
            break
        weighted = log_b[t] + log_beta
        for i in range(n_states):
            step = log_A[i] + weighted
            counts[i] += np.exp(log_alpha[t - 1, i] + step - log_likelihood)
            log_beta[i] = _log_sum(step)
    return log_likelihood


@kernel(hmm_vectors)
def best_path(states: Any, log_pi: Any, log_A: Any, log_b: Any, start: Any, path: Any) -> Any:
    """Fill `path` (T,) with the most likely states of the steps from `start`; return its log probability.

    Of equally likely paths the one with the lower states last. `log_b`, followed by sixteen zeros, is flat.
    """
    n_states, n_steps = len(states), len(path)
    # Two vectors at once: each by itself waits for its last comparison.
    n_lanes = 2 * N_LANES if n_states > N_LANES else N_LANES
    width = (n_states + n_lanes - 1) // n_lanes * n_lanes
    there = _padded(log_A, width, -np.inf, False)
    before = np.empty((n_steps, n_states), np.int16)
    score, new_score, best = np.full(width, -np.inf), np.empty(width), np.empty(width)
    for i in range(n_states):
        score[i] = log_pi[i] + log_b[start * n_states + i]
    for t in range(1, n_steps):
        for v in range(0, width, n_lanes):
            w = v + n_lanes - N_LANES
            from_v, high_v = splat(0.0), add(splat(score[0]), load(there, v))
            from_w, high_w = splat(0.0), add(splat(score[0]), load(there, w))
            for i in range(1, n_states):
                number, reach = splat(float(i)), splat(score[i])
                by_v, by_w = add(reach, load(there, i * width + v)), add(reach, load(there, i * width + w))
                from_v, from_w = choose(by_v, high_v, number, from_v), choose(by_w, high_w, number, from_w)
                high_v, high_w = choose(by_v, high_v, by_v, high_v), choose(by_w, high_w, by_w, high_w)
            store(best, v, from_v)
            store(best, w, from_w)
            store(new_score, v, add(high_v, load(log_b, (start + t) * n_states + v)))
            store(new_score, w, add(high_w, load(log_b, (start + t) * n_states + w)))
        for j in range(n_states):
            before[t, j] = np.int16(best[j])
        score, new_score = new_score, score
    path[n_steps - 1] = np.argmax(score[:n_states])
    for t in range(n_steps - 1, 0, -1):
        path[t - 1] = before[t, path[t]]
    return score[:n_states].max()
