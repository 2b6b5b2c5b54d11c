"""Normal densities and weighted moments of many rows under several Gaussians, with missing values; the inside of EM.

Legend
    X[t, d]       rows, shape (T, D), float64; NaN = missing, and marginalised: a row without any number says nothing
    mu[m, d]      means, shape (M, D)
    Sigma[m]      covariances in full, shape (M, D, D)
    W[t, m]       weight of row t under Gaussian m, shape (T, M)
    c[d]          a centre near the data, from which moments are counted, so that large offsets cost no digits

Missing values (Little and Rubin 2002, 11.2): rows are grouped by which columns they have; for each group the likelihood is that of the
columns that are there, and the expected x and x x' of the others come from their conditional normal distribution, so that an EM step
cannot lower the likelihood. Where columns are independent, each is simply counted where it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from models.kernel_cache import kernel

BLOCK = 64  # rows: the loops over them are what the compiler makes vectors of
LOG_2_PI = float(np.log(2 * np.pi))


def log_density(X: np.ndarray, mu: np.ndarray, Sigma: np.ndarray, *, is_diagonal: bool) -> np.ndarray:
    """Log of N(X[t]; mu[m], Sigma[m]) over the columns that are there, (T, M); 0 where none is.

    numpy's LinAlgError where a covariance is not positive definite.
    """
    density = np.zeros((len(X), len(mu)))
    if is_diagonal:
        _densities(X, mu, _inverse_factors(Sigma), is_diagonal, density)
        return density
    for rows, there in _patterns(X):
        if not there.any():
            continue
        part = np.empty((len(rows), len(mu)))
        factors = _inverse_factors(np.ascontiguousarray(Sigma[:, there][:, :, there]))
        _densities(_taken(X, rows, there), np.ascontiguousarray(mu[:, there]), factors, is_diagonal, part)
        density[rows] = part
    return density


def expected_moments(
    X: np.ndarray, W: np.ndarray, mu: np.ndarray, Sigma: np.ndarray, c: np.ndarray, *, is_diagonal: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted counts (M, D), sums of E[x - c] (M, D), sums of E[(x - c)(x - c)'] (M, D, D), given what is there and the Gaussians.

    With `is_diagonal` only the diagonal of the last is filled. Rows without a number are left out.
    """
    n_gaussians, n_columns = mu.shape
    counts, first = np.zeros((n_gaussians, n_columns)), np.zeros((n_gaussians, n_columns))
    second = np.zeros((n_gaussians, n_columns, n_columns))
    if is_diagonal:
        there = ~np.isnan(X)
        centred = np.where(there, X - c, 0.0)
        squares = second.reshape(n_gaussians, -1)[:, :: n_columns + 1]
        squares[:] = W.T @ centred**2
        return (W.T @ there).astype(np.float64), W.T @ centred, second
    for rows, there in _patterns(X):
        if not there.any():
            continue
        weights = W if len(rows) == len(X) else np.ascontiguousarray(W[rows])
        counts += weights.sum(axis=0)[:, None]
        if there.all():
            _moments(_taken(X, rows, there), weights, c, first, second)
            continue
        gone = ~there
        for m in range(n_gaussians):
            known, unknown = np.ix_(there, there), np.ix_(there, gone)
            K = np.linalg.solve(Sigma[m][known], Sigma[m][unknown])  # regression of what is missing on what is there
            expected = np.empty((len(rows), n_columns))
            expected[:, there] = X[np.ix_(rows, there)] - c[there]
            expected[:, gone] = mu[m, gone] - c[gone] + (X[np.ix_(rows, there)] - mu[m, there]) @ K
            second[m][np.ix_(gone, gone)] += weights[:, m].sum() * (Sigma[m][np.ix_(gone, gone)] - Sigma[m][np.ix_(gone, there)] @ K)
            first[m] += weights[:, m] @ expected
            second[m] += (expected * weights[:, [m]]).T @ expected
    return counts, first, second


def _inverse_factors(Sigma: np.ndarray) -> np.ndarray:
    """Lower triangles F with F Sigma F' = 1."""
    return np.ascontiguousarray(np.linalg.inv(np.linalg.cholesky(Sigma)))


def _taken(X: np.ndarray, rows: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(X) if len(rows) == len(X) and there.all() else X[np.ix_(rows, there)]


def _patterns(X: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (n,) and columns that are there, bool (D,), for each pattern of missing values in X."""
    if not np.isnan(X).any():
        yield np.arange(len(X)), np.ones(X.shape[1], bool)
        return
    patterns, numbers = np.unique(~np.isnan(X), axis=0, return_inverse=True)
    for number, there in enumerate(patterns):
        yield np.flatnonzero(numbers.ravel() == number), there


@kernel()
def _densities(X: Any, mu: Any, factors: Any, is_diagonal: Any, density: Any) -> None:
    """Fill `density` (T, M); with `is_diagonal` columns that are NaN are left out, otherwise there are none."""
    n_rows, n_columns = X.shape
    x, z, q = np.empty((n_columns, BLOCK)), np.empty(BLOCK), np.empty(BLOCK)
    for begin in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - begin)
        for k in range(n):
            for d in range(n_columns):
                x[d, k] = X[begin + k, d]
        for m in range(len(mu)):
            q[:] = 0.0
            for d in range(n_columns):
                z[:] = 0.0
                for e in range(d if is_diagonal else 0, d + 1):
                    factor, mean = factors[m, d, e], mu[m, e]
                    for k in range(n):
                        z[k] += factor * (x[e, k] - mean)
                constant = LOG_2_PI - 2.0 * np.log(factors[m, d, d])
                for k in range(n):
                    part = z[k] * z[k] + constant
                    q[k] += 0.0 if np.isnan(part) else part
            for k in range(n):
                density[begin + k, m] = -0.5 * q[k]


@kernel()
def _moments(X: Any, W: Any, c: Any, first: Any, second: Any) -> None:  # noqa: C901  # one pass, and one to unpack it
    """Add to `first` (M, D) and `second` (M, D, D) the weighted moments of complete rows."""
    n_rows, n_columns = X.shape
    n_gaussians = W.shape[1]
    n_pairs = n_columns * (n_columns + 1) // 2
    x, pairs = np.empty(n_columns), np.empty(n_pairs)
    sums, products = np.zeros((n_gaussians, n_columns)), np.zeros((n_gaussians, n_pairs))
    for t in range(n_rows):
        place = 0
        for d in range(n_columns):
            x[d] = X[t, d] - c[d]
            for e in range(d + 1):
                pairs[place] = x[d] * x[e]
                place += 1
        for m in range(n_gaussians):
            weight = W[t, m]
            for d in range(n_columns):
                sums[m, d] += weight * x[d]
            for pair in range(n_pairs):
                products[m, pair] += weight * pairs[pair]
    for m in range(n_gaussians):
        place = 0
        for d in range(n_columns):
            first[m, d] += sums[m, d]
            for e in range(d + 1):
                second[m, d, e] += products[m, place]
                if e < d:
                    second[m, e, d] += products[m, place]
                place += 1
