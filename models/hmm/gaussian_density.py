"""Normal densities and weighted moments of many rows under several Gaussians, with missing values; the inside of EM.

Legend
    X[t, d]       rows, shape (T, D), float64; NaN = missing, and marginalised: a row without any number says nothing
    mu[m, d]      means, shape (M, D)
    Sigma[m]      covariances in full, shape (M, D, D)
    W[t, m]       weight of row t under Gaussian m, shape (T, M)
    c[d]          a centre near the data, from which moments are counted, so that large offsets cost no digits

Missing values (Little and Rubin 2002, 11.2): rows are grouped by which columns they have; for each group the likelihood
is that of the columns that are there, and the expected x and x x' of the others come from their conditional normal
distribution, so that an EM step cannot lower the likelihood. Where columns are independent, each is simply counted
where it is there.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from models.hmm import vectors as hmm_vectors
from models.hmm.vectors import (
    N_LANES,
    add,
    choose,
    columns_of,
    fma,
    has_below,
    load,
    multiply,
    rows_of,
    splat,
    store,
    subtract,
)
from models.kernels.kernel_cache import kernel

BLOCK = 64  # rows: their features stay in the first cache (measured: 32 to 128 differ by a tenth)
LOG_2_PI = float(np.log(2 * np.pi))


def log_density(X: np.ndarray, mu: np.ndarray, Sigma: np.ndarray, *, is_diagonal: bool) -> np.ndarray:
    """Log of N(X[t]; mu[m], Sigma[m]) over the columns that are there, (T, M); 0 where none is.

    numpy's LinAlgError where a covariance is not positive definite.
    """
    density = np.empty((len(X), len(mu)))
    if _fill_density(X, mu, Sigma, density, is_diagonal=is_diagonal):
        return density
    for rows, there in _patterns(X):
        part = np.zeros((len(rows), len(mu)))
        if there.any():
            of_kept = X[np.ix_(rows, there)], mu[:, there], Sigma[:, there][:, :, there]
            _fill_density(*of_kept, part, is_diagonal=is_diagonal)
        density[rows] = part
    return density


def expected_moments(
    X: np.ndarray, W: np.ndarray, mu: np.ndarray, Sigma: np.ndarray, c: np.ndarray, *, is_diagonal: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted counts (M, D), sums of E[x - c] (M, D), sums of E[(x - c)(x - c)'] (M, D, D), given what is there and
    the Gaussians.

    With `is_diagonal` only the diagonal of the last is filled. Rows without a number are left out.
    """
    if is_diagonal:
        counts, first, squares = np.split(_feature_sums(X, W, c, is_diagonal=True), 3, axis=1)
        return counts, first, squares[:, :, None] * np.eye(X.shape[1])
    counts, first, second = _whole_moments(X, W, c)
    if not np.isnan(first).any():
        return counts, first, second
    counts, first, second = np.zeros(mu.shape), np.zeros(mu.shape), np.zeros(Sigma.shape)
    n_columns = X.shape[1]
    for rows, there in _patterns(X):
        if not there.any():
            continue
        weights = W[rows]
        if there.all():
            whole = _whole_moments(X[rows], weights, c)
            counts, first, second = counts + whole[0], first + whole[1], second + whole[2]
            continue
        counts += weights.sum(axis=0)[:, None]
        gone = ~there
        for m in range(len(mu)):
            known, unknown = np.ix_(there, there), np.ix_(there, gone)
            K = np.linalg.solve(Sigma[m][known], Sigma[m][unknown])  # regression of what is missing on what is there
            expected = np.empty((len(rows), n_columns))
            expected[:, there] = X[np.ix_(rows, there)] - c[there]
            expected[:, gone] = mu[m, gone] - c[gone] + (X[np.ix_(rows, there)] - mu[m, there]) @ K
            second[m][np.ix_(gone, gone)] += weights[:, m].sum() * (
                Sigma[m][np.ix_(gone, gone)] - Sigma[m][np.ix_(gone, there)] @ K
            )
            first[m] += weights[:, m] @ expected
            second[m] += (expected * weights[:, [m]]).T @ expected
    return counts, first, second


def column_moments(X: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of values of each column, mean and standard deviation of them, (D,), counted from `c` (D,); 0 if none."""
    counts, first, squares = np.split(_feature_sums(X, np.ones((len(X), 1)), c, is_diagonal=True)[0], 3)
    n_there = np.maximum(counts, 1.0)
    off = first / n_there
    return counts, np.asarray(c + off), np.sqrt(np.maximum(squares / n_there - off**2, 0.0))


def _patterns(X: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (n,), ascending, and columns that are there, bool (D,), for each pattern of missing values in X."""
    is_there = ~np.isnan(X)
    # Column by column, bytes are sorted by counting them; np.unique compares rows, and was nine tenths of an EM step.
    order = np.lexsort(is_there.T[::-1])
    begins = np.flatnonzero((is_there[order[1:]] != is_there[order[:-1]]).any(axis=1)) + 1
    for rows in np.split(order, begins) if len(order) else ():
        yield rows, is_there[rows[0]]


def _fill_density(X: np.ndarray, mu: np.ndarray, Sigma: np.ndarray, density: np.ndarray, *, is_diagonal: bool) -> bool:
    """Fill `density` (T, M). False, and `density` of no use, where missing values must be marginalised by pattern."""
    factors = np.linalg.inv(np.linalg.cholesky(Sigma))  # lower triangles F with F Sigma F' = 1
    constants = LOG_2_PI - 2.0 * np.log(np.diagonal(factors, axis1=1, axis2=2))
    rows = np.ascontiguousarray(X).reshape(-1)
    arrays = np.ascontiguousarray(mu), np.ascontiguousarray(factors), constants
    return bool(_densities((0,) * X.shape[1], (0,) * len(mu), rows, *arrays, is_diagonal, density.reshape(-1)))


def _whole_moments(X: np.ndarray, W: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `expected_moments`, for rows without a gap; NaN where there is one."""
    n_columns = X.shape[1]
    sums = _feature_sums(X, W, c, is_diagonal=False)
    second = np.empty((len(sums), n_columns, n_columns))
    d, e = np.tril_indices(n_columns)
    second[:, d, e] = second[:, e, d] = sums[:, 1 + n_columns :]
    return np.repeat(sums[:, :1], n_columns, axis=1), sums[:, 1 : 1 + n_columns], second


def _feature_sums(X: np.ndarray, W: np.ndarray, c: np.ndarray, *, is_diagonal: bool) -> np.ndarray:
    """Weighted sums of features of the rows, (M, F). With `is_diagonal` they are, for each column: whether it is there,
    x - c, its square; otherwise 1, then x - c, then the products of its entries, in the order of `numpy.tril_indices`.
    """
    n_columns = X.shape[1]
    n_features = 3 * n_columns if is_diagonal else 1 + n_columns + n_columns * (n_columns + 1) // 2
    sums = np.zeros((W.shape[1], n_features, N_LANES))
    rows, weights = np.ascontiguousarray(X).reshape(-1), np.ascontiguousarray(W).reshape(-1)
    _add_features(
        (0,) * n_columns, (0,) * W.shape[1], rows, weights, np.asarray(c, np.float64), is_diagonal, sums.reshape(-1)
    )
    return np.asarray(sums.sum(axis=2))


@kernel(hmm_vectors)
def _densities(
    columns: Any, gaussians: Any, X: Any, mu: Any, factors: Any, constants: Any, is_diagonal: Any, density: Any
) -> Any:
    """Fill `density` (T * M,); with `is_diagonal` columns that are NaN are left out, otherwise false where there are
    any.

    `columns` is a tuple of D zeros: what the compiler knows it can lay out.
    """
    n_columns, n_gaussians = len(columns), len(gaussians)
    n_rows = len(density) // n_gaussians
    x, y, filled = np.zeros(n_columns * N_LANES), np.empty(n_columns * N_LANES), np.empty(n_gaussians * N_LANES)
    nothing, least, is_whole = splat(0.0), splat(-np.finfo(np.float64).max), True
    for begin in range(0, n_rows, N_LANES):
        n = min(N_LANES, n_rows - begin)
        columns_of(columns, X, begin, n, x, 0, N_LANES)
        for m in range(n_gaussians):
            for d in range(n_columns):
                store(y, d * N_LANES, subtract(load(x, d * N_LANES), splat(mu[m, d])))
            q = nothing
            for d in range(n_columns):
                z = multiply(splat(factors[m, d, d]), load(y, d * N_LANES))
                if is_diagonal:
                    part = fma(z, z, splat(constants[m, d]))
                    q = add(q, choose(multiply(z, z), splat(-1.0), part, nothing))
                else:
                    for e in range(d):
                        z = fma(splat(factors[m, d, e]), load(y, e * N_LANES), z)
                    q = add(q, fma(z, z, splat(constants[m, d])))
            store(filled, m * N_LANES, multiply(q, splat(-0.5)))
        q = load(filled, 0)
        is_whole = is_whole and not has_below(choose(q, least, q, splat(-np.inf)), least)  # NaN is not above anything
        rows_of(gaussians, filled, begin, n, density)
    return is_whole


@kernel(hmm_vectors)
def _add_features(  # noqa: C901, PLR0912  # one pass
    columns: Any, gaussians: Any, X: Any, W: Any, c: Any, is_diagonal: Any, sums: Any
) -> None:
    """Add to `sums` (M * F * lanes,) the weighted sums of features; of row t in lane t modulo 8."""
    n_columns, n_gaussians = len(columns), len(gaussians)
    n_features = len(sums) // (n_gaussians * N_LANES)
    n_rows = len(W) // n_gaussians
    x, features, weights = np.zeros(n_columns * BLOCK), np.empty(n_features * BLOCK), np.empty(n_gaussians * BLOCK)
    for begin in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - begin)
        for place in range(n_gaussians * BLOCK if n < BLOCK else 0):
            weights[place] = 0.0
        for k in range(0, n, N_LANES):
            columns_of(gaussians, W, begin + k, n - k, weights, k, BLOCK)
            columns_of(columns, X, begin + k, n - k, x, k, BLOCK)
        first = n_columns if is_diagonal else 1
        for d in range(n_columns):
            for k in range(0, BLOCK, N_LANES):
                store(features, (first + d) * BLOCK + k, subtract(load(x, d * BLOCK + k), splat(c[d])))
        for k in range(0, BLOCK, N_LANES):
            if is_diagonal:
                for d in range(n_columns):
                    off = load(features, (first + d) * BLOCK + k)
                    square = multiply(off, off)
                    store(features, d * BLOCK + k, choose(square, splat(-1.0), splat(1.0), splat(0.0)))
                    store(features, (first + d) * BLOCK + k, choose(square, splat(-1.0), off, splat(0.0)))
                    store(
                        features, (first + n_columns + d) * BLOCK + k, choose(square, splat(-1.0), square, splat(0.0))
                    )
                continue
            store(features, k, splat(1.0))
            at = first + n_columns
            for d in range(n_columns):
                for e in range(d + 1):
                    product = multiply(load(features, (first + d) * BLOCK + k), load(features, (first + e) * BLOCK + k))
                    store(features, at * BLOCK + k, product)
                    at += 1
        for m in range(n_gaussians):
            for feature in range(n_features):
                sum_so_far = load(sums, (m * n_features + feature) * N_LANES)
                for k in range(0, BLOCK, N_LANES):
                    sum_so_far = fma(load(weights, m * BLOCK + k), load(features, feature * BLOCK + k), sum_so_far)
                store(sums, (m * n_features + feature) * N_LANES, sum_so_far)
