"""Steps of GloVe: weighted least squares of logarithms of co-occurrence, by AdaGrad (Pennington et al. 2014, eq. 8).

    i, j       row and column of an entry of X, which says how often words i and j stand near each other
    w_i, v_j   vectors of a word as row and as column, with biases b_i and c_j
    f(x)       weight of an entry: (x / x_max) ** alpha, at most 1 (their equation 9)
    e_ij       w_i·v_j + b_i + c_j - ln X_ij
    eta        learning rate
    G          for every number that is learned: 1 + the sum of squares of its steps before division
    P          parts of the vocabulary: word i is in part i % P; block (p, q) holds the entries with rows in p and
               columns in q
    width      numbers in a row: the dimensions rounded up to whole lanes

Loss: mean over entries of f(X_ij) e_ij^2. A step, as the authors' program takes it (half of the gradient, clipped):

    g = clip(f(X_ij) e_ij v_j) * eta         w_i -= g / sqrt(G)         G += g^2

Blocks (p, p + s mod P) for p = 0 .. P - 1 share no row and no column, so threads take them side by side and no order of
theirs changes a bit (Gemulla et al. 2011, distributed stochastic gradient descent).
"""

# ruff: noqa: PLR0917  # kernels know no keyword-only arguments
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.kernels import lanes, rendezvous
from models.kernels.kernel_cache import kernel, kernel_part
from models.kernels.lanes import (
    LANES_WIDTH,
    add,
    divide,
    fma,
    larger,
    load,
    multiply,
    smaller,
    splat,
    square_root,
    store,
    subtract,
    total,
)
from models.kernels.rendezvous import meet

CLIP = np.float32(100)  # the authors' program: grad_clip_value


class Entries(NamedTuple):
    """Entries of X, block by block: (p, q) is block p * P + q and ranges from its block_starts to those of the next."""

    rows: np.ndarray  # (n,) int32
    columns: np.ndarray  # (n,) int32
    logs: np.ndarray  # (n,) float32: ln X_ij
    weights: np.ndarray  # (n,) float32: f(X_ij)
    block_starts: np.ndarray  # (P * P + 1,) int64


class Learned(NamedTuple):
    """One side's numbers: vectors and biases, each with its G."""

    vectors: np.ndarray  # (n_words * width,) float32
    biases: np.ndarray  # (n_words,) float32
    vector_squares: np.ndarray  # as vectors
    bias_squares: np.ndarray


@kernel_part
def step_entry(
    row_side: Learned, column_side: Learned, i: int, j: int, log: Any, weight: Any, eta: Any, width: int
) -> Any:
    """f(X_ij) e_ij^2 before the step, float32."""
    at_i, at_j = np.int64(i) * width, np.int64(j) * width
    products = splat(np.float32(0))
    for d in range(0, width, LANES_WIDTH):
        products = fma(load(row_side.vectors, at_i + d), load(column_side.vectors, at_j + d), products)
    e = total(products) + row_side.biases[i] + column_side.biases[j] - log
    pull = splat(weight * e)
    for d in range(0, width, LANES_WIDTH):
        w, v = load(row_side.vectors, at_i + d), load(column_side.vectors, at_j + d)
        step_lanes(row_side, at_i + d, w, multiply(pull, v), eta)
        step_lanes(column_side, at_j + d, v, multiply(pull, w), eta)
    step_bias(row_side, i, weight * e, eta)
    step_bias(column_side, j, weight * e, eta)
    return weight * e * e


@kernel_part
def step_lanes(side: Learned, at: int, value: Any, gradient: Any, eta: Any) -> None:
    """AdaGrad's step of sixteen numbers that have this value and gradient."""
    clipped = larger(smaller(gradient, splat(CLIP)), splat(-CLIP))
    g, squares = multiply(clipped, splat(eta)), load(side.vector_squares, at)
    store(side.vectors, at, subtract(value, divide(g, square_root(squares))))
    store(side.vector_squares, at, add(squares, multiply(g, g)))


@kernel_part
def step_bias(side: Learned, i: int, gradient: Any, eta: Any) -> None:
    """The same step of one bias."""
    g = eta * min(max(gradient, -CLIP), CLIP)
    side.biases[i] -= g / np.float32(np.sqrt(side.bias_squares[i]))
    side.bias_squares[i] += g * g


@kernel(lanes, rendezvous)
def train_blocks(
    entries: Entries,
    row_side: Learned,
    column_side: Learned,
    eta: float,
    width: int,
    n_parts: int,
    thread: int,
    n_threads: int,
    gate: np.ndarray,
    losses: np.ndarray,
) -> None:
    """One epoch as one of n threads, which all call this with the same arguments but `thread`, each in a thread of its
    own.

    losses[p * P + q], float64, becomes the sum of f e^2 over block (p, q).
    """
    rate = np.float32(eta)
    for shift in range(n_parts):
        for p in range(thread, n_parts, n_threads):
            block = p * n_parts + (p + shift) % n_parts
            loss = 0.0
            for n in range(entries.block_starts[block], entries.block_starts[block + 1]):
                i, j = entries.rows[n], entries.columns[n]
                loss += step_entry(row_side, column_side, i, j, entries.logs[n], entries.weights[n], rate, width)
            losses[block] = loss
        meet(gate, n_threads)
