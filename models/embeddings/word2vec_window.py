"""One step of word2vec on one window, in place: scores, loss and gradients of A input rows against K output rows.

    h_a       input rows, a = 1..A: the words around the middle word (skip-gram), or their mean alone (CBOW, A = 1)
    u_k       output rows, k = 1..K: the middle word and its negatives, or the inner nodes on its path in the Huffman
              tree
    y_k       +1 where the window should say yes to u_k (middle word; turn to the rarer child), -1 where no, 0 for a row
              that fills up
    z_ak      y_k u_k·h_a, the margin; the array z holds it at a * n_u + k, and after `weigh_errors` alpha s(-z_ak)
    alpha     learning rate
    width     numbers in a row: the dimensions rounded up to whole lanes; those beyond them stay 0
    n_h, n_u  A, and K rounded up to whole tiles
    share     1 over the words around for CBOW's mean, 1 for its sum
    back      the part of the mean's change by which each word around moves: `share` by the chain rule, see
              `step_window`

Loss of the window: sum over a, k of ln(1 + exp(-z_ak)). With negatives this is equation 4 of Mikolov et al. 2013b (for
each h_a: -ln s(u_1·h_a) - sum_k ln s(-u_k·h_a), s the logistic function), with a path their equation 3; Rong 2014,
equations 55 and 45. Its gradients, with g_ak = alpha y_k s(-z_ak):

    h_a += sum_k g_ak u_k         u_k += sum_a g_ak h_a          (Rong 2014, equations 61 and 59; 54 and 51)

All of them are taken before any row changes, so the step is exact also where a row stands in the window twice. Work
goes in tiles of 2 input by 3 output rows, which is what fits a processor's vector registers; an odd last input row goes
alone.
"""

# ruff: noqa: PLR0917, FBT001  # kernels know no keyword-only arguments
from __future__ import annotations

from typing import Any

import numpy as np

from models.kernels.kernel_cache import kernel_part
from models.kernels.lanes import (
    LANES_WIDTH,
    add,
    choose,
    divide,
    exp_of_negative,
    fma,
    larger,
    load,
    log_of_one_plus,
    magnitude,
    multiply,
    only_first,
    splat,
    store,
    total,
)

TILE_INPUTS, TILE_OUTPUTS = 2, 3
LOG_2 = np.float32(np.log(2))


@kernel_part
def copy_rows(rows: Any, places: Any, n: int, width: int, tile: Any) -> None:
    """Rows places[:n] of `rows` into `tile`, one after another."""
    for a in range(n):
        at = np.int64(places[a]) * width
        for d in range(0, width, LANES_WIDTH):
            store(tile, a * width + d, load(rows, at + d))


@kernel_part
def score_rows(h: Any, n_h: int, outputs: Any, at: Any, sign: Any, first: int, n_u: int, width: int, z: Any) -> None:
    """z[a * n_u + k] = y_k u_k·h_a for the tile h and the rows at at[first : first + n_u], with their y in `sign`."""
    nothing = splat(np.float32(0))
    for k in range(0, n_u, TILE_OUTPUTS):
        y0, y1, y2 = sign[first + k], sign[first + k + 1], sign[first + k + 2]
        to0, to1 = np.int64(at[first + k]) * width, np.int64(at[first + k + 1]) * width
        to2 = np.int64(at[first + k + 2]) * width
        for a in range(0, n_h - 1, TILE_INPUTS):
            s00 = s01 = s02 = s10 = s11 = s12 = nothing
            for d in range(0, width, LANES_WIDTH):
                h0, h1 = load(h, a * width + d), load(h, (a + 1) * width + d)
                u0, u1, u2 = load(outputs, to0 + d), load(outputs, to1 + d), load(outputs, to2 + d)
                s00, s01, s02 = fma(h0, u0, s00), fma(h0, u1, s01), fma(h0, u2, s02)
                s10, s11, s12 = fma(h1, u0, s10), fma(h1, u1, s11), fma(h1, u2, s12)
            z0, z1 = a * n_u + k, (a + 1) * n_u + k
            z[z0], z[z0 + 1], z[z0 + 2] = y0 * total(s00), y1 * total(s01), y2 * total(s02)
            z[z1], z[z1 + 1], z[z1 + 2] = y0 * total(s10), y1 * total(s11), y2 * total(s12)
        if n_h % TILE_INPUTS == 1:
            s0 = s1 = s2 = nothing
            for d in range(0, width, LANES_WIDTH):
                h0 = load(h, (n_h - 1) * width + d)
                s0, s1 = fma(h0, load(outputs, to0 + d), s0), fma(h0, load(outputs, to1 + d), s1)
                s2 = fma(h0, load(outputs, to2 + d), s2)
            z0 = (n_h - 1) * n_u + k
            z[z0], z[z0 + 1], z[z0 + 2] = y0 * total(s0), y1 * total(s1), y2 * total(s2)


@kernel_part
def weigh_errors(z: Any, n: int, alpha: Any) -> Any:
    """The loss of the first n margins z, float32, each of which becomes alpha s(-z). 16 numbers more may be written."""
    nothing, one, minus = splat(np.float32(0)), splat(np.float32(1)), splat(np.float32(-1))
    loss = nothing
    for i in range(0, n, LANES_WIDTH):
        margin = load(z, i)
        e = exp_of_negative(multiply(magnitude(margin), minus))
        # ln(1 + exp(-z)) would overflow; this does not: max(-z, 0) + ln(1 + exp(-|z|)).
        loss = add(loss, only_first(add(larger(multiply(margin, minus), nothing), log_of_one_plus(e)), n - i))
        s = divide(choose(margin, one, e), add(one, e))  # s(-z)
        store(z, i, multiply(s, splat(alpha)))
    return total(loss)


@kernel_part
def update_inputs(
    inputs: Any, around: Any, n_h: int, outputs: Any, at: Any, sign: Any, first: int, n_u: int, width: int, z: Any
) -> None:
    """Add sum_k g_ak u_k to the rows at around[:n_h]; sign, first, … as in `score_rows`, z as by `weigh_errors`."""
    for k in range(0, n_u, TILE_OUTPUTS):
        y0, y1, y2 = sign[first + k], sign[first + k + 1], sign[first + k + 2]
        to0, to1 = np.int64(at[first + k]) * width, np.int64(at[first + k + 1]) * width
        to2 = np.int64(at[first + k + 2]) * width
        for a in range(n_h):
            z0, here = a * n_u + k, np.int64(around[a]) * width
            g0, g1, g2 = splat(y0 * z[z0]), splat(y1 * z[z0 + 1]), splat(y2 * z[z0 + 2])
            for d in range(0, width, LANES_WIDTH):
                u0, u1, u2 = load(outputs, to0 + d), load(outputs, to1 + d), load(outputs, to2 + d)
                store(inputs, here + d, fma(g2, u2, fma(g1, u1, fma(g0, u0, load(inputs, here + d)))))


@kernel_part
def update_outputs(
    outputs: Any, at: Any, sign: Any, first: int, n_u: int, width: int, h: Any, n_h: int, z: Any
) -> None:
    """Add sum_a g_ak h_a to the rows at at[first : first + n_u], for the tile h; the rest as in `update_inputs`."""
    for k in range(n_u):
        y, there = sign[first + k], np.int64(at[first + k]) * width
        for a in range(0, n_h - 1, TILE_INPUTS):
            g0, g1 = splat(y * z[a * n_u + k]), splat(y * z[(a + 1) * n_u + k])
            for d in range(0, width, LANES_WIDTH):
                h0, h1 = load(h, a * width + d), load(h, (a + 1) * width + d)
                store(outputs, there + d, fma(g1, h1, fma(g0, h0, load(outputs, there + d))))
        if n_h % TILE_INPUTS == 1:
            g0 = splat(y * z[(n_h - 1) * n_u + k])
            for d in range(0, width, LANES_WIDTH):
                store(outputs, there + d, fma(g0, load(h, (n_h - 1) * width + d), load(outputs, there + d)))


@kernel_part
def add_up(rows: Any, places: Any, n: int, width: int, share: Any, h: Any) -> None:
    """h[:width] = share * the sum of the rows at places[:n]: CBOW's input, Rong 2014, equation 18."""
    for d in range(0, width, LANES_WIDTH):
        lanes = splat(np.float32(0))
        for a in range(n):
            lanes = add(lanes, load(rows, np.int64(places[a]) * width + d))
        store(h, d, multiply(lanes, splat(share)))


@kernel_part
def spread(
    inputs: Any,
    around: Any,
    n: int,
    outputs: Any,
    at: Any,
    sign: Any,
    first: int,
    n_u: int,
    width: int,
    z: Any,
    back: Any,
) -> None:
    """Add back * h's change, sum_k g_k u_k, to the rows at around[:n]; the rest as in `update_inputs`."""
    for d in range(0, width, LANES_WIDTH):
        change = splat(np.float32(0))
        for k in range(n_u):
            change = fma(splat(sign[first + k] * z[k]), load(outputs, np.int64(at[first + k]) * width + d), change)
        change = multiply(change, splat(back))
        for a in range(n):
            here = np.int64(around[a]) * width + d
            store(inputs, here, add(load(inputs, here), change))


@kernel_part
def step_window(
    inputs: Any,
    around: Any,
    n_around: int,
    outputs: Any,
    at: Any,
    first: int,
    n_u: int,
    sign: Any,
    is_cbow: bool,
    share: Any,
    back: Any,
    alpha: Any,
    width: int,
    h: Any,
    z: Any,
) -> Any:
    """The loss, float32, of one window before its step is taken.

    Its input rows stand at around[:n_around], its output rows at at[first : first + n_u] with their y in `sign`; h and
    z are working space. With back = share the words around move along the gradient; word2vec.c and gensim take back = 1
    for the mean, gensim 1 / n_around for the sum (Irsoy et al. 2021 on this).
    """
    n_h = 1 if is_cbow else n_around
    if is_cbow:
        add_up(inputs, around, n_around, width, share, h)
    else:
        copy_rows(inputs, around, n_around, width, h)
    score_rows(h, n_h, outputs, at, sign, first, n_u, width, z)
    loss = weigh_errors(z, n_h * n_u, alpha)
    for k in range(first + n_u - TILE_OUTPUTS, first + n_u):
        if sign[k] == 0:
            loss -= np.float32(n_h) * LOG_2  # a row that fills up has the margin 0
    # Inputs first, from outputs that have not changed; then outputs, from the tile of inputs as they were.
    if is_cbow:
        spread(inputs, around, n_around, outputs, at, sign, first, n_u, width, z, back)
    else:
        update_inputs(inputs, around, n_around, outputs, at, sign, first, n_u, width, z)
    update_outputs(outputs, at, sign, first, n_u, width, h, n_h, z)
    return loss
