"""Forward and backward of eight sequences side by side, in the lanes of machine vectors.

Legend beside that of `models.hmm.core`
    states        a tuple of S zeros: its length is what kernels know of S when they are compiled, which makes them
                  twice as fast
    table[k, i]   likelihood of state i for what is observed, by kind of observation k, each row divided by its largest
                  value, shape (K, S)
    index[t]      kind of what is observed at step t; empty where every step is a kind of its own, as continuous
                  observations are
    rows[k, i]    posterior probability of state i, summed over the steps of kind k: what emissions are estimated from,
                  and gamma itself where every step is a kind of its own
    lane          one of eight sequences of like length; shorter ones are padded at their end, and the padding counts
                  for nothing
    block         eight steps: what is read of eight sequences for S states are S squares of 8 x 8 numbers, turned on
                  their side

alpha is divided by its sum only where that fell below RESCALE, some hundred steps apart: division at every step would
be what the processor waits for. beta is divided at the same steps, and begins at 1 / (sum of the last alpha), so that
alpha * beta = gamma; what rounding leaves of that is put right once a block.

Where scaling is as good as log space, and how that is known: let a be the smallest of pi and A. Rows of `table` have 1
as their largest value, so the sum falls by no more than a at a step; and what float64 loses of a state (below 1e-308)
is made up by what flows into that state from others, at least a times the sum, at the next step. So with a >= SAFE
nothing is lost. Otherwise (`is_careful`) every alpha is looked at: one that should be positive and falls below TINY
ends the lane, with the log-likelihood NaN, and it adds to no count.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

from typing import Any

import numpy as np

from models.hmm import vectors as hmm_vectors
from models.hmm.vectors import (
    N_LANES,
    add,
    choose,
    columns_of,
    divide,
    exp_of_negative,
    fma,
    has_below,
    load,
    multiply,
    rows_of,
    splat,
    store,
    subtract,
    turn,
)
from models.kernels.kernel_cache import kernel, kernel_part

SAFE = 1e-100
"""RESCALE * SAFE is the least sum; 1e-308 / 1e-200 / SAFE, 1e-8 of a double's last digit, is the most that is lost."""

RESCALE = 1e-100
TINY = 1e-290
"""Twenty digits above the smallest normal number 2.2e-308: what is not below has all its digits."""

BLOCK = N_LANES
SQUARE = N_LANES * N_LANES
LARGEST = 1 / TINY
"""No beta of a reachable state is larger, nor a step to it, as alpha * beta <= 1; others are kept from infinity."""


@kernel(hmm_vectors)
def scale_rows(states: Any, log_table: Any, table: Any, largest: Any) -> Any:
    """Fill `table` (K * S,) with the exponential of each row of `log_table` (K * S,) less its largest value, and
    `largest` (K,) with those, 0 where nothing is possible. Return whether all are numbers or -inf. What would underflow
    stays positive: 3e-308.
    """
    n_states, n_rows = len(states), len(largest)
    rows = np.zeros(n_states * N_LANES)  # eight rows at a time, a lane for each
    highs = np.empty(N_LANES)
    zero, infinite, usable = splat(0.0), splat(np.inf), splat(1.0)
    for begin in range(0, n_rows, N_LANES):
        columns_of(states, log_table, begin, n_rows - begin, rows, 0, N_LANES)
        high = splat(-np.inf)
        for i in range(n_states):
            value = load(rows, i * N_LANES)
            usable = choose(infinite, value, usable, zero)  # NaN is not below anything
            high = choose(value, high, value, high)
        high = choose(high, splat(-np.inf), high, zero)
        store(highs, 0, high)
        for lane in range(min(N_LANES, n_rows - begin)):
            largest[begin + lane] = highs[lane]
        for i in range(n_states):
            store(rows, i * N_LANES, exp_of_negative(subtract(load(rows, i * N_LANES), high)))
        rows_of(states, rows, begin, n_rows - begin, table)
    return not has_below(usable, splat(1.0))


@kernel(hmm_vectors)
def expect_lanes(  # noqa: C901, PLR0912  # there and back, group by group
    states: Any,
    pi: Any,
    A: Any,
    table: Any,
    index: Any,
    starts: Any,
    lengths: Any,
    is_careful: Any,
    with_counts: Any,
    rows: Any,
    start_counts: Any,
    counts: Any,
    log_likelihood: Any,
) -> None:
    """Fill `log_likelihood` (n,) of the n sequences that begin at `starts` and have `lengths`, in groups of eight in
    their order.

    `with_counts`: add to `rows` (K * S,), `start_counts` (S,), `counts` (S, S) too. `A` and `table` are flat, in row
    order; eight zeros follow `table`.
    """
    n_states = len(states)
    width = n_states * N_LANES
    n_sequences = len(lengths)
    longest = lengths.max()
    alpha = np.empty(longest * width)
    rescaled_at, rescaled_by = np.empty(longest, np.int64), np.empty(longest * N_LANES)
    squares = np.empty((4, BLOCK * width + N_LANES))
    beta, moves = np.empty(width), np.zeros(n_states * width)
    ends, lane_values, living = np.empty(N_LANES), np.ones(N_LANES), np.empty(N_LANES)
    lane_starts, lane_lengths = np.zeros(N_LANES, np.int64), np.zeros(N_LANES, np.int64)
    places = np.empty(N_LANES, np.int64)
    scratch = places, squares, ends, alpha, rescaled_at, rescaled_by, living, lane_values
    for group in range(0, n_sequences, N_LANES):
        n_lanes = min(N_LANES, n_sequences - group)
        for lane in range(N_LANES):
            lane_starts[lane] = starts[group + lane] if lane < n_lanes else 0
            lane_lengths[lane] = lengths[group + lane] if lane < n_lanes else 0
            ends[lane] = lane_lengths[lane]
            lane_values[lane] = 0.0
            living[lane] = 1.0
        sequences = A, table, index, lane_starts, lane_lengths, lane_lengths.max(), is_careful
        n_rescaled = _forward(states, pi, sequences, scratch)
        for lane in range(n_lanes):
            last = 0.0
            for i in range(n_states):
                last += alpha[(lane_lengths[lane] - 1) * width + i * N_LANES + lane]
            log_likelihood[group + lane] = lane_values[lane] + np.log(last)
            lane_values[lane] = last
            if living[lane] == 0.0:
                log_likelihood[group + lane] = np.nan
                lane_lengths[lane] = 0
        for lane in range(n_lanes, N_LANES):
            lane_values[lane] = 1.0
        if not with_counts:
            continue
        _backward(states, sequences, scratch, n_rescaled, beta, moves, rows)
        for lane in range(n_lanes):
            if lane_lengths[lane]:
                for i in range(n_states):
                    start_counts[i] += squares[3, i * N_LANES + lane]
    for i in range(n_states):
        for j in range(n_states):
            total_moves = 0.0
            for lane in range(N_LANES):
                total_moves += moves[i * width + j * N_LANES + lane]
            counts[i, j] += A[i * n_states + j] * total_moves


@kernel_part
def _forward(states: Any, pi: Any, sequences: Any, scratch: Any) -> Any:
    """Fill `alpha` and where it was rescaled; the number of such places. `living_lanes` is 0 for a lost lane."""
    A, table, index, starts, lengths, n_steps, is_careful = sequences
    places, squares, ends, alpha, rescaled_at, rescaled_by, living_lanes, log_scales = scratch
    n_states = len(states)
    width = n_states * N_LANES
    one, zero, tiny = splat(1.0), splat(0.0), splat(TINY)
    until, living = load(ends, 0), load(living_lanes, 0)
    b, scales = squares[0], np.empty(N_LANES)
    n_rescaled = 0
    for t in range(n_steps):
        here = t * width
        if t % BLOCK == 0:
            _gather(states, table, index, starts, lengths, t, places, squares[1], b)
        likely = (t % BLOCK) * width
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
                is_inside = choose(until, splat(float(t)), one, zero)
                is_possible = choose(reach, zero, choose(likelihood, zero, is_inside, zero), zero)
                living = choose(is_possible, zero, choose(tiny, value, zero, living), living)
            store(alpha, here + j * N_LANES, value)
            total = add(total, value)
        if has_below(total, splat(RESCALE)):
            # A lane that is over, or that nothing can explain, is set to 1 in every state, and counts for nothing.
            is_inside = choose(until, splat(float(t)), one, zero)
            living = choose(total, tiny, living, choose(is_inside, zero, zero, living))
            scale = choose(total, tiny, total, one)
            back = divide(one, scale)
            store(rescaled_by, n_rescaled * N_LANES, back)
            rescaled_at[n_rescaled] = t
            n_rescaled += 1
            for j in range(n_states):
                value = multiply(load(alpha, here + j * N_LANES), back)
                store(alpha, here + j * N_LANES, choose(total, tiny, value, one))
            store(scales, 0, choose(until, splat(float(t)), scale, one))
            for lane in range(N_LANES):
                log_scales[lane] += np.log(scales[lane])
    store(living_lanes, 0, living)
    return n_rescaled


@kernel_part
def _backward(  # noqa: C901, PLR0912  # one recursion, and what it finds
    states: Any, sequences: Any, scratch: Any, n_rescaled: Any, beta: Any, moves: Any, rows: Any
) -> None:
    """Add to `moves` (S, S, lanes) and `rows`; leave the posterior of the first step at the start of `squares[3]`."""
    A, table, index, starts, lengths, n_steps, is_careful = sequences
    places, squares, ends, alpha, rescaled_at, rescaled_by, living_lanes, last_sums = scratch
    n_states = len(states)
    width = n_states * N_LANES
    one, zero, largest = splat(1.0), splat(0.0), splat(LARGEST)
    until, living = load(ends, 0), load(living_lanes, 0)
    b, weighted, gamma = squares[0], squares[2], squares[3]
    at_end = divide(one, load(last_sums, 0))
    for i in range(n_states):
        store(beta, i * N_LANES, at_end)
    for first in range((n_steps - 1) // BLOCK * BLOCK, -1, -BLOCK):
        n_here = min(BLOCK, n_steps - first)
        _gather(states, table, index, starts, lengths, first, places, squares[1], b)
        for t in range(n_here - 1, -1, -1):
            here, likely = (first + t) * width, t * width
            step = splat(float(first + t))
            back = choose(until, step, living, zero)
            if n_rescaled and rescaled_at[n_rescaled - 1] == first + t:
                n_rescaled -= 1
                back = multiply(back, load(rescaled_by, n_rescaled * N_LANES))
            for j in range(n_states):
                beta_j = load(beta, j * N_LANES)
                store(gamma, likely + j * N_LANES, multiply(load(alpha, here + j * N_LANES), beta_j))
                ahead = multiply(multiply(load(b, likely + j * N_LANES), back), beta_j)
                if is_careful:
                    ahead = choose(largest, ahead, ahead, largest)
                store(weighted, likely + j * N_LANES, ahead)
            for i in range(n_states):
                reach = zero
                for j in range(n_states):
                    reach = fma(splat(A[i * n_states + j]), load(weighted, likely + j * N_LANES), reach)
                if is_careful:
                    reach = choose(largest, reach, reach, largest)
                store(beta, i * N_LANES, choose(until, step, reach, at_end))
        total = zero
        for i in range(n_states):
            total = add(total, load(gamma, i * N_LANES))
        share = divide(one, choose(total, zero, total, one))  # 1 but for rounding, which would add up over 10^6 steps
        for i in range(n_states):
            store(beta, i * N_LANES, multiply(load(beta, i * N_LANES), share))
        before = (first - 1) * width
        for i in range(n_states):
            for j in range(n_states):
                sums = load(moves, i * width + j * N_LANES)
                for t in range(0 if first else 1, n_here):
                    from_i = load(alpha, before + t * width + i * N_LANES)
                    sums = fma(from_i, load(weighted, t * width + j * N_LANES), sums)
                store(moves, i * width + j * N_LANES, sums)
        _scatter(states, gamma, index, starts, lengths, first, places, squares[1], rows)


@kernel_part
def _gather(
    states: Any, table: Any, index: Any, starts: Any, lengths: Any, first: Any, places: Any, buffer: Any, b: Any
) -> None:
    """Fill b[t - first, i, lane] from the table for a block of steps, 1 where a lane is over. The last two: scratch."""
    n_states = len(states)
    size = BLOCK * n_states
    is_own, is_whole = len(index) == 0, True
    for lane in range(N_LANES):
        places[lane] = (starts[lane] + first) * n_states
        is_whole = is_whole and lengths[lane] >= first + BLOCK
    if is_own and is_whole:
        for square in range(n_states):
            turn(table, places, square * N_LANES, b, square * SQUARE)
        return
    for lane in range(N_LANES):
        n_inside = min(max(lengths[lane] - first, 0), BLOCK)
        begin = starts[lane] + first
        places[lane] = lane * size
        for t in range(n_inside):
            kind = begin + t if is_own else index[begin + t]
            for v in range(0, n_states, N_LANES):  # what is beside the states is written over by what comes next
                store(buffer, lane * size + t * n_states + v, load(table, kind * n_states + v))
        for place in range(n_inside * n_states, size):
            buffer[lane * size + place] = 1.0
    for square in range(n_states):
        turn(buffer, places, square * N_LANES, b, square * SQUARE)


@kernel_part
def _scatter(
    states: Any, gamma: Any, index: Any, starts: Any, lengths: Any, first: Any, places: Any, buffer: Any, rows: Any
) -> None:
    """Add gamma[t - first, i, lane] to the row of what is observed at each step of a block. The last two: scratch."""
    n_states = len(states)
    is_own = len(index) == 0
    for k in range(N_LANES):
        places[k] = k * N_LANES
    for square in range(n_states):  # a lane's numbers follow each other eight by eight, one piece from each square
        turn(gamma, places, square * SQUARE, buffer, square * SQUARE)
    for lane in range(N_LANES):
        n_inside = min(max(lengths[lane] - first, 0), BLOCK)
        begin = starts[lane] + first
        if is_own and n_inside == BLOCK:
            for square in range(n_states):
                store(rows, begin * n_states + square * N_LANES, load(buffer, square * SQUARE + lane * N_LANES))
            continue
        for t in range(n_inside):
            kind = begin + t if is_own else index[begin + t]
            for i in range(n_states):
                place = t * n_states + i
                rows[kind * n_states + i] += buffer[place // N_LANES * SQUARE + lane * N_LANES + place % N_LANES]
