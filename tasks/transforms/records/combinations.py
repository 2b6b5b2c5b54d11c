"""Distinct combinations of several text columns, found by runs: a table about one thing after another has few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def distinct_combinations(
    columns: Sequence[pa.DictionaryArray | None],
) -> tuple[NDArray[np.int64], list[tuple[str | None, ...]]]:
    """Each row's combination as a number from 0, and the texts of each combination in the order of `columns`.

    A column that is None counts as NULL in every row; one of the columns at least is given. Rows in any order are
    right, sorted ones fast.
    """
    codes = [column.indices.fill_null(-1).to_numpy(zero_copy_only=False) for column in columns if column is not None]
    n_rows = len(codes[0])
    is_first = np.zeros(n_rows, np.bool_)
    is_first[:1] = True
    for part in codes:
        is_first[1:] |= part[1:] != part[:-1]
    starts = np.flatnonzero(is_first)
    numbers = np.zeros(len(starts), np.int64)
    for part in codes:  # numbers stay below the number of runs, so the products cannot overflow
        numbers = np.unique(numbers * (int(part.max(initial=-1)) + 2) + part[starts] + 1, return_inverse=True)[1]
    _, examples = np.unique(numbers, return_index=True)
    rows = pa.array(starts[examples])
    given = [[None] * len(rows) if column is None else column.take(rows).to_pylist() for column in columns]
    return np.repeat(numbers, np.diff(np.append(starts, n_rows))), list(zip(*given, strict=True))
