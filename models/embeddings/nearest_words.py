"""Nearest neighbours among many vectors: exact, in bounded memory, fast enough for a million words.

    units     (n, D) float32, one row a word, of length 1 or less; queries (m, D) of any length
    product   of a query with a row, counted in float64 from the float32 numbers: what order and results follow
    margin    what a product in float32 may be off by, at most

A product of matrices in float32 passes over all rows and finds the few that can be among the nearest: those no more
than the margin below the k-th best so far. Only they are multiplied again in float64, so that neither the order in
which a library adds up nor the block in which a row stands decides between two neighbours; equal products go by row.
All numbers must be finite.
"""

from __future__ import annotations

import numpy as np

QUERIES_AT_ONCE = 256
NUMBERS_AT_ONCE = 1 << 22  # products in float32 held at a time: 16 MB, near a processor's cache
PAIRS_AT_ONCE = 1 << 14  # multiplied in float64: some 30 MB for 100 dimensions
FIRST_ROWS = 1 << 10  # to have a k-th best
EPSILON = float(np.finfo(np.float32).eps)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """The rows at length 1, float32; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def nearest_rows(
    units: np.ndarray, queries: np.ndarray, k: int, left_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """For each query the k (1 or more) rows of `units` with the largest product, largest first and equal ones by row,
    and those products.

    Of `left_out`, (m, any) rows, none is an answer before all others, and its product is then -inf. Both results are
    (m, k), int64 and float64, or as many columns as there are rows. Time: m * n * D; memory: some tens of MB besides
    the arguments.
    """
    k = min(k, len(units))
    rows, products = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    for first in range(0, len(queries), QUERIES_AT_ONCE):
        part = slice(first, first + QUERIES_AT_ONCE)
        asked = np.ascontiguousarray(queries[part], np.float32)
        rows[part], products[part] = _nearest(units, asked, k, None if left_out is None else left_out[part])
    return rows, products


def _nearest(
    units: np.ndarray, queries: np.ndarray, k: int, left_out: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    n, m = len(units), len(queries)
    # A sum of D products in float32 is off by at most D eps / 2 times the product of the lengths (Jeannerod and Rump
    # 2013); twice that leaves room for the rounding of units and of the bound.
    margin = (units.shape[1] + 2) * EPSILON * np.linalg.norm(queries.astype(np.float64), axis=1)
    query, row, product = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    bound = np.zeros(0)
    first, end = 0, max(FIRST_ROWS, k)
    while first < n:
        near = queries @ units[first:end].T
        if left_out is not None:
            asked, at = np.nonzero((left_out >= first) & (left_out < end))
            near[asked, left_out[asked, at] - first] = -np.inf
        if first == 0:
            bound = np.partition(near, -k, axis=1)[:, -k] - margin
        found, place = np.nonzero(near >= (bound - margin).astype(np.float32)[:, None])
        exact = np.where(near[found, place] == -np.inf, -np.inf, _products(queries, units, found, place + first))
        query, row, product = (
            np.concatenate(both) for both in ((query, found), (row, place + first), (product, exact))
        )
        order = np.lexsort((row, -product, query))
        kept = order[np.searchsorted(query[order], np.arange(m))[:, None] + np.arange(k)].reshape(-1)
        query, row, product = query[kept], row[kept], product[kept]
        bound = product.reshape(m, k)[:, -1]
        first, end = end, end + NUMBERS_AT_ONCE // m
    return row.reshape(m, k), product.reshape(m, k)


def _products(queries: np.ndarray, units: np.ndarray, query: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The products of queries with rows, pair by pair, in float64."""
    exact = np.empty(query.size)
    for first in range(0, query.size, PAIRS_AT_ONCE):
        pairs = slice(first, first + PAIRS_AT_ONCE)
        exact[pairs] = np.einsum(
            "nd,nd->n", queries[query[pairs]].astype(np.float64), units[row[pairs]].astype(np.float64)
        )
    return exact
