"""Forward and backward of one sequence: scaled, and in log space for what scaling cannot hold; the most likely path.

Legend beside that of `models.hmm_core` and `models.hmm_lanes`. `expect_single` is `hmm_lanes.expect_lanes` for a sequence alone, one
that is too long to be padded to seven others; `expect_in_log_space` is ten times slower and has no limits.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

from typing import Any

import numpy as np

from models.hmm_lanes import LARGEST, RESCALE, TINY
from models.kernel_cache import kernel, kernel_part


@kernel()
def expect_single(  # noqa: C901, PLR0912  # one recursion there, one back
    pi: Any, A: Any, table: Any, index: Any, is_careful: Any, with_counts: Any, rows: Any, start_counts: Any, counts: Any
) -> Any:
    """The log-likelihood, NaN (and nothing added) where scaling would lose something; `rows` (K, S), `start_counts` (S,), `counts` (S, S)."""
    n_steps, n_states = len(index), len(pi)
    alpha = np.empty((n_steps, n_states))
    scales = np.empty(n_steps)
    log_likelihood = 0.0
    for t in range(n_steps):
        total = 0.0
        for j in range(n_states):
            reach = pi[j]
            if t > 0:
                reach = 0.0
                for i in range(n_states):
                    reach += alpha[t - 1, i] * A[i, j]
            likelihood = table[index[t], j]
            alpha[t, j] = reach * likelihood
            if is_careful and reach > 0.0 and likelihood > 0.0 and alpha[t, j] < TINY:
                return np.nan
            total += alpha[t, j]
        scales[t] = 1.0
        if total < RESCALE:
            if not total > TINY:
                return np.nan
            for j in range(n_states):
                alpha[t, j] /= total
            scales[t] = total
            log_likelihood += np.log(total)
    at_end = 1.0 / np.sum(alpha[n_steps - 1])
    log_likelihood -= np.log(at_end)
    if not with_counts:
        return log_likelihood
    beta, weighted = np.full(n_states, at_end), np.empty(n_states)
    moves = np.zeros((n_states, n_states))
    for t in range(n_steps - 1, -1, -1):
        total = 0.0
        for i in range(n_states):
            alpha_i = alpha[t, i]
            alpha[t, i] = alpha_i * beta[i]
            total += alpha[t, i]
        for i in range(n_states):
            alpha[t, i] /= total  # 1 but for rounding, which would add up over 10^6 steps
            rows[index[t], i] += alpha[t, i]
        if t == 0:
            break
        for j in range(n_states):
            weighted[j] = min(table[index[t], j] * beta[j] / scales[t], LARGEST)
        for i in range(n_states):
            reach = 0.0
            from_i = alpha[t - 1, i]
            for j in range(n_states):
                reach += A[i, j] * weighted[j]
                moves[i, j] += from_i * weighted[j]
            beta[i] = min(reach, LARGEST)
    for i in range(n_states):
        start_counts[i] += alpha[0, i]
        for j in range(n_states):
            counts[i, j] += A[i, j] * moves[i, j]
    return log_likelihood


@kernel_part
def _log_sum(values: Any) -> Any:
    largest = values.max()
    return largest if largest == -np.inf else largest + np.log(np.sum(np.exp(values - largest)))


@kernel()
def expect_in_log_space(log_pi: Any, log_A: Any, log_b: Any, index: Any, rows: Any, start_counts: Any, counts: Any) -> Any:
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


@kernel()
def best_path(log_pi: Any, log_A: Any, log_b: Any, states: Any) -> Any:
    """Fill `states` (T,) with the most likely path; return its log probability. Of equally likely paths the one with the lower states last."""
    n_steps, n_states = log_b.shape
    before = np.empty((n_steps, n_states), np.int32)
    score = log_pi + log_b[0]
    new_score = np.empty(n_states)
    for t in range(1, n_steps):
        for j in range(n_states):
            best, best_score = 0, score[0] + log_A[0, j]
            for i in range(1, n_states):
                candidate = score[i] + log_A[i, j]
                if candidate > best_score:
                    best, best_score = i, candidate
            before[t, j] = best
            new_score[j] = best_score + log_b[t, j]
        score, new_score = new_score, score
    states[n_steps - 1] = np.argmax(score)
    for t in range(n_steps - 1, 0, -1):
        states[t - 1] = before[t, states[t]]
    return score.max()
