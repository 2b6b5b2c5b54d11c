from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embeddings.cooccurrence import count_cooccurrences

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds


def count_by_loops(token_ids, starts, word_of, window):
    counts = defaultdict(float)
    for first, end in pairwise(starts):
        words = [word_of[i] for i in token_ids[first:end] if word_of[i] >= 0]
        for i, a in enumerate(words):
            for j, b in enumerate(words):
                if i != j and abs(i - j) <= window:
                    counts[int(a), int(b)] += 1 / abs(i - j)
    return counts


def counted(pieces):
    return {(i, j): x for piece in pieces for i, j, x in zip(*(column.tolist() for column in piece), strict=True)}


def test_worked_sentence():
    pieces = [
        *count_cooccurrences(
            np.array([0, 2, 1, 0], np.int32), np.array([0, 4]), np.array([0, 1, -1], np.int32), window=5, most_entries=9
        )
    ]
    # Without word 2 the sentence is 0 1 0: neighbours at 1, and the two 0 at 2, seen from both.
    assert counted(pieces) == {(0, 0): 1.0, (0, 1): 2.0, (1, 0): 2.0}


sentences = st.lists(st.lists(st.integers(0, 11), max_size=12), max_size=12)


@settings(max_examples=40, deadline=None)
@given(sentences, st.integers(1, 6), st.integers(10, 60))
def test_counts_are_those_of_loops_however_small_the_table(text, window, most_entries):
    token_ids = np.array([word for sentence in text for word in sentence], np.int32)
    starts = np.cumsum([0, *map(len, text)]).astype(np.int64)
    word_of = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1], np.int32)
    pieces = [*count_cooccurrences(token_ids, starts, word_of, window=window, most_entries=most_entries)]
    assert all(piece.rows.size <= most_entries for piece in pieces)
    expected = count_by_loops(token_ids, starts, word_of, window)
    assert counted(pieces) == pytest.approx(dict(expected), rel=1e-12)
    rows = np.concatenate([piece.rows for piece in pieces])
    columns = np.concatenate([piece.columns for piece in pieces])
    assert np.lexsort((columns, rows)).tolist() == list(range(len(expected)))


def test_table_that_a_single_row_could_overflow_is_refused():
    with pytest.raises(ValueError, match="most_entries must be 3"):
        next(
            count_cooccurrences(
                np.array([0], np.int32), np.array([0, 1]), np.array([0, 1, 2], np.int32), window=2, most_entries=2
            )
        )
