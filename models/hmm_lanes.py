"""Forward and backward of eight sequences side by side, in the lanes of machine vectors.

Legend beside that of `models.hmm_core`
    table[k, i]   likelihood of state i for what is observed, by kind of observation k, each row divided by its largest value, shape (K, S)
    index[t]      kind of what is observed at step t; for continuous observations every step is a kind of its own
    rows[k, i]    posterior probability of state i, summed over the steps of kind k: what emissions are estimated from, and gamma itself
                  where every step is a kind of its own
    lane          one of eight sequences of like length; shorter ones are padded at their end, and the padding counts for nothing

alpha is divided by its sum only where that fell below RESCALE, some hundred steps apart: division at every step would be what the
processor waits for. beta is divided at the same steps, and begins at 1 / (sum of the last alpha), so that alpha * beta = gamma.

Where scaling is as good as log space, and how that is known: let a be the smallest of pi and A. Rows of `table` have 1 as their largest
value, so the sum falls by no more than a at a step; and what float64 loses of a state (below 1e-308) is made up by what flows into
that state from others, at least a times the sum, at the next step. So with a >= SAFE nothing is lost. Otherwise (`is_careful`) every
alpha is looked at: one that should be positive and falls below TINY ends the lane, with the log-likelihood NaN, and it adds to no count.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

from typing import Any

import numpy as np

from models import hmm_vectors
from models.hmm_vectors import N_LANES, add, choose, divide, fma, has_below, load, multiply, splat, store
from models.kernel_cache import kernel, kernel_part

SAFE = 1e-100
"""RESCALE * SAFE is the least sum, and 1e-308 / 1e-200 / SAFE = 1e-8 of a double's last digit is the most that is lost."""

RESCALE = 1e-100
TINY = 1e-290
"""Twenty digits above the smallest normal number 2.2e-308: what is not below has all its digits."""

BLOCK = 16  # steps: of 4 states 4 kB of each, which stay in the first cache (measured: 8 to 64 differ by a tenth)
LARGEST = 1 / TINY
"""No beta of a state that can be reached is larger, nor a step to it, since alpha * beta <= 1; others are kept from becoming infinite."""


@kernel(hmm_vectors)
def expect_lanes(  # noqa: C901, PLR0912, PLR0915  # one kernel: what is shared between its parts are vectors in scratch memory
    pi: Any, A: Any, table: Any, index: Any, starts: Any, lengths: Any, is_careful: Any, with_counts: Any, rows: Any,
    start_counts: Any, counts: Any, log_likelihood: Any,
) -> None:  # fmt: skip
    """Fill `log_likelihood` (n,) of the n sequences that begin at `starts` and have `lengths`, in groups of eight in their order.

    `with_counts`: add to `rows` (K * S,), `start_counts` (S,), `counts` (S, S) too. `A` and `table` are flat, in row order.
    """
    n_states = len(pi)
    width = n_states * N_LANES
    n_sequences = len(lengths)
    longest = lengths.max()
    alpha = np.empty(longest * width)
    b, gamma = np.empty(BLOCK * width), np.empty(BLOCK * width)
    rescaled_at, rescaled_by = np.empty(longest, np.int64), np.empty(longest * N_LANES)
    beta, weighted = np.empty(width), np.empty(width)
    moves = np.zeros(n_states * width)
    ends, lane_values, living_lanes = np.empty(N_LANES), np.ones(N_LANES), np.empty(N_LANES)
    lane_starts, lane_lengths = np.zeros(N_LANES, np.int64), np.zeros(N_LANES, np.int64)
    one, zero, tiny = splat(1.0), splat(0.0), splat(TINY)
    for group in range(0, n_sequences, N_LANES):
        n_lanes = min(N_LANES, n_sequences - group)
        for lane in range(N_LANES):
            lane_starts[lane] = starts[group + lane] if lane < n_lanes else 0
            lane_lengths[lane] = lengths[group + lane] if lane < n_lanes else 0
            ends[lane] = lane_lengths[lane]
            lane_values[lane] = 1.0
        n_steps = lane_lengths.max()
        until = load(ends, 0)
        living = one
        n_rescaled = 0
        for lane in range(n_lanes):
            log_likelihood[group + lane] = 0.0
        for t in range(n_steps):
            here = t * width
            if t % BLOCK == 0:
                _gather(table, index, lane_starts, lane_lengths, n_states, t, b)
            likely = (t % BLOCK) * width
            is_inside = choose(until, splat(float(t)), one, zero)
            total = zero
            for j in range(n_states):
                if t == 0:
                    reach = splat(pi[j])
                else:
                    reach = multiply(load(alpha, here - width), splat(A[j]))
                    for i in range(1, n_states):
                        reach = fma(load(alpha, here - width + i * N_LANES), splat(A[i * n_states + j]), reach)
                likelihood = load(b, likely + j * N_LANES)
                value = multiply(reach, likelihood)
                if is_careful:
                    is_possible = choose(reach, zero, choose(likelihood, zero, is_inside, zero), zero)
                    living = choose(is_possible, zero, choose(tiny, value, zero, living), living)
                store(alpha, here + j * N_LANES, value)
                total = add(total, value)
            if has_below(total, splat(RESCALE)):
                # A lane that is over, or that nothing can explain, is set to 1 in every state, and counts for nothing.
                living = choose(total, tiny, living, choose(is_inside, zero, zero, living))
                scale = choose(total, tiny, total, one)
                back = divide(one, scale)
                store(rescaled_by, n_rescaled * N_LANES, back)
                rescaled_at[n_rescaled] = t
                n_rescaled += 1
                for j in range(n_states):
                    value = multiply(load(alpha, here + j * N_LANES), back)
                    store(alpha, here + j * N_LANES, choose(total, tiny, value, one))
                store(lane_values, 0, choose(until, splat(float(t)), scale, one))
                for lane in range(n_lanes):
                    log_likelihood[group + lane] += np.log(lane_values[lane])
        store(living_lanes, 0, living)
        for lane in range(n_lanes):
            last = 0.0
            for i in range(n_states):
                last += alpha[(lane_lengths[lane] - 1) * width + i * N_LANES + lane]
            lane_values[lane] = last
            log_likelihood[group + lane] += np.log(last)
            if living_lanes[lane] == 0.0:
                log_likelihood[group + lane] = np.nan
                lane_lengths[lane] = 0
        if not with_counts:
            continue
        at_end = divide(one, load(lane_values, 0))
        for i in range(n_states):
            store(beta, i * N_LANES, at_end)
        for t in range(n_steps - 1, -1, -1):
            here = t * width
            first = t - t % BLOCK
            if t == n_steps - 1 or t - first == BLOCK - 1:
                _gather(table, index, lane_starts, lane_lengths, n_states, first, b)
            likely = (t - first) * width
            total = zero
            for i in range(n_states):
                both = multiply(load(alpha, here + i * N_LANES), load(beta, i * N_LANES))
                store(gamma, likely + i * N_LANES, both)
                total = add(total, both)
            share = divide(one, choose(total, zero, total, one))  # 1 but for rounding, which would add up over 10^6 steps
            for i in range(n_states):
                store(gamma, likely + i * N_LANES, multiply(load(gamma, likely + i * N_LANES), share))
            if t == first:
                _scatter(gamma, index, lane_starts, lane_lengths, n_states, first, rows)
            if t == 0:
                break
            step = splat(float(t))
            back = choose(until, step, living, zero)
            if n_rescaled and rescaled_at[n_rescaled - 1] == t:
                n_rescaled -= 1
                back = multiply(back, load(rescaled_by, n_rescaled * N_LANES))
            for j in range(n_states):
                ahead = multiply(load(b, likely + j * N_LANES), load(beta, j * N_LANES))
                ahead = multiply(ahead, back)
                if is_careful:
                    ahead = choose(splat(LARGEST), ahead, ahead, splat(LARGEST))
                store(weighted, j * N_LANES, ahead)
            for i in range(n_states):
                from_i = load(alpha, here - width + i * N_LANES)
                reach = zero
                for j in range(n_states):
                    to_j = load(weighted, j * N_LANES)
                    place = i * width + j * N_LANES
                    reach = fma(splat(A[i * n_states + j]), to_j, reach)
                    store(moves, place, fma(from_i, to_j, load(moves, place)))
                if is_careful:
                    reach = choose(splat(LARGEST), reach, reach, splat(LARGEST))
                store(beta, i * N_LANES, choose(until, step, reach, at_end))
        for lane in range(n_lanes):
            if lane_lengths[lane]:
                for i in range(n_states):
                    start_counts[i] += gamma[i * N_LANES + lane]
    for i in range(n_states):
        for j in range(n_states):
            total_moves = 0.0
            for lane in range(N_LANES):
                total_moves += moves[i * width + j * N_LANES + lane]
            counts[i, j] += A[i * n_states + j] * total_moves


@kernel_part
def _gather(table: Any, index: Any, starts: Any, lengths: Any, n_states: Any, first: Any, b: Any) -> None:
    """Fill b[t - first, i, lane] from the table for a block of steps, 1 where a lane is over."""
    for lane in range(N_LANES):
        n_inside = min(max(lengths[lane] - first, 0), BLOCK)
        begin = starts[lane] + first
        for i in range(n_states):  # the long loop inside: a short one costs more to enter than to run
            for t in range(n_inside):
                b[(t * n_states + i) * N_LANES + lane] = table[index[begin + t] * n_states + i]
        for place in range(n_inside * n_states, BLOCK * n_states):
            b[place * N_LANES + lane] = 1.0


@kernel_part
def _scatter(gamma: Any, index: Any, starts: Any, lengths: Any, n_states: Any, first: Any, rows: Any) -> None:
    """Add gamma[t - first, i, lane] to the row of what is observed at each step of a block."""
    for lane in range(N_LANES):
        n_inside = min(max(lengths[lane] - first, 0), BLOCK)
        begin = starts[lane] + first
        for i in range(n_states):
            for t in range(n_inside):
                rows[index[begin + t] * n_states + i] += gamma[(t * n_states + i) * N_LANES + lane]
