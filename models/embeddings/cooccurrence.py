"""How often words stand near each other, counted within bounded memory (Pennington et al. 2014, section 4.2).

    X_ij    over every occurrence of word i and every occurrence of word j at most `window` words from it in its
            sentence, the sum of 1 / distance; words that are left out do not count as distance
    row     i, column j; words are numbered by falling count

Counts go into one table of fixed size. Where it would overflow, the rows of its upper half are given up, and counted in
a further pass over the corpus; so the time grows where memory is short, and no count is ever approximate.
"""

# ruff: noqa: PLR0917  # kernels know no keyword-only arguments
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from models.kernels import random_bits
from models.kernels.kernel_cache import kernel, kernel_part
from models.kernels.random_bits import mix

FULL = 0.6  # share of places beyond which search by open addressing grows slow (Knuth, volume 3, section 6.4)


class Cooccurrences(NamedTuple):
    """Some of the matrix X: its entries other than 0, by row and column."""

    rows: np.ndarray  # (n,) int32
    columns: np.ndarray  # (n,) int32
    counts: np.ndarray  # (n,) float64


def count_cooccurrences(
    token_ids: np.ndarray, sentence_starts: np.ndarray, word_of: np.ndarray, *, window: int, most_entries: int
) -> Iterator[Cooccurrences]:
    """X in pieces of at most `most_entries` entries, each of some whole rows, in the order of rows.

    `sentence_starts` is (n_sentences + 1,), with the end of the last; `word_of` gives the word of each token id, -1 =
    left out. Memory: some 40 bytes for each of most_entries. ValueError where most_entries is less than the number of
    words, as a row may have so many.
    """
    n_words = int(word_of.max(initial=-1)) + 1
    if most_entries < max(n_words, 1):
        raise ValueError(f"most_entries must be {n_words} or more, the number of words, not {most_entries}")
    n_places = 1 << int(np.ceil(np.log2((most_entries + 1) / FULL)))
    keys, sums = np.empty(n_places, np.int64), np.empty(n_places, np.float64)
    words = np.empty(int(np.diff(sentence_starts).max(initial=0)), np.int32)
    first = 0
    while first < n_words:
        last = _fill(
            token_ids, sentence_starts, word_of, window, _Table(keys, sums, most_entries, n_words, first), words
        )
        taken = np.flatnonzero(keys >= 0)
        order = taken[np.argsort(keys[taken])]
        yield Cooccurrences(
            (keys[order] // n_words).astype(np.int32), (keys[order] % n_words).astype(np.int32), sums[order]
        )
        first = last


class _Table(NamedTuple):
    """A table with open addressing: where an entry stands keys holds row * n_words + column, elsewhere -1."""

    keys: np.ndarray  # int64
    sums: np.ndarray  # float64
    most_entries: int
    n_words: int
    first: int  # row from which on it counts


@kernel_part
def _place_of(key: int, keys: np.ndarray) -> Any:
    """Where the key stands in the table, or would stand."""
    mask = np.uint64(keys.size - 1)
    place = mix(np.uint64(key)) & mask
    while keys[place] != key and keys[place] >= 0:
        place = (place + np.uint64(1)) & mask
    return place


@kernel_part
def _half_of_rows(keys: np.ndarray, n_words: int, first: int, last: int) -> int:
    """The row before which about half of the entries lie, and at least one row."""
    of_row = np.zeros(last - first, np.int64)
    for key in keys:
        if key >= 0:
            of_row[key // n_words - first] += 1
    row, before = first, 0
    while before + of_row[row - first] <= of_row.sum() // 2:
        before += of_row[row - first]
        row += 1
    return max(row, first + 1)


@kernel_part
def _give_up_rows(keys: np.ndarray, sums: np.ndarray, n_words: int, last: int) -> int:
    """Empty the table of all rows from `last` on; the number of entries left."""
    n = 0
    kept_keys, kept_sums = np.empty(keys.size, np.int64), np.empty(keys.size, np.float64)
    for place in range(keys.size):
        if keys[place] >= 0 and keys[place] // n_words < last:
            kept_keys[n], kept_sums[n] = keys[place], sums[place]
            n += 1
    keys[:] = -1
    for i in range(n):
        place = _place_of(kept_keys[i], keys)
        keys[place], sums[place] = kept_keys[i], kept_sums[i]
    return n


@kernel_part
def _add(table: _Table, row: int, column: int, weight: float, last: int, n_entries: int) -> tuple[int, int]:
    """The end of the rows that are counted, and the number of entries, after one more occurrence."""
    if not table.first <= row < last:
        return last, n_entries
    key = np.int64(row) * table.n_words + column
    place = _place_of(key, table.keys)
    if table.keys[place] >= 0:
        table.sums[place] += weight
        return last, n_entries
    if n_entries == table.most_entries:
        last = _half_of_rows(table.keys, table.n_words, table.first, last)
        n_entries = _give_up_rows(table.keys, table.sums, table.n_words, last)
        if row >= last:
            return last, n_entries
        place = _place_of(key, table.keys)
    table.keys[place], table.sums[place] = key, weight
    return last, n_entries + 1


@kernel(random_bits)
def _fill(
    token_ids: np.ndarray,
    sentence_starts: np.ndarray,
    word_of: np.ndarray,
    window: int,
    table: _Table,
    words: np.ndarray,
) -> int:
    """The end of the rows, from `table.first` on, that were counted in full; `words` can hold the longest sentence."""
    table.keys[:] = -1
    last, n_entries = table.n_words, 0
    for s in range(sentence_starts.size - 1):
        n = 0
        for i in range(sentence_starts[s], sentence_starts[s + 1]):
            word = word_of[token_ids[i]]
            if word >= 0:
                words[n] = word
                n += 1
        for j in range(1, n):
            for distance in range(1, min(window, j) + 1):
                last, n_entries = _add(table, words[j], words[j - distance], 1 / distance, last, n_entries)
                last, n_entries = _add(table, words[j - distance], words[j], 1 / distance, last, n_entries)
    return last
