from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.word2vec_loops import huffman_code_lengths

from models.embeddings.huffman import huffman_paths

counts_falling = st.lists(st.integers(1, 10_000), min_size=2, max_size=80).map(
    lambda counts: np.array(sorted(counts, reverse=True))
)


def lengths(paths):
    return np.diff(paths.path_starts)


def test_worked_tree():
    # 1 and 1 join (node 0), their 2 with the other 2 (node 1; the leaf counts as rarer on a tie), that 4 with 5 (node
    # 2).
    paths = huffman_paths(np.array([5, 2, 1, 1]))
    assert paths.path_starts.tolist() == [0, 1, 3, 6, 9]
    assert paths.path_nodes.tolist() == [2, 2, 1, 2, 1, 0, 2, 1, 0]
    assert paths.path_signs.tolist() == [-1, 1, 1, 1, -1, -1, 1, -1, 1]


@settings(max_examples=60, deadline=None)
@given(counts_falling)
def test_mean_code_length_is_within_one_bit_of_the_entropy(counts):
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    mean = (share * lengths(huffman_paths(counts))).sum()
    assert entropy - 1e-9 <= mean < entropy + 1


@settings(max_examples=60, deadline=None)
@given(counts_falling)
def test_no_other_tree_is_shorter(counts):
    assert (counts * lengths(huffman_paths(counts))).sum() == (counts * huffman_code_lengths(counts)).sum()


@settings(max_examples=60, deadline=None)
@given(counts_falling)
def test_code_is_complete_and_every_path_its_own(counts):
    paths = huffman_paths(counts)
    assert sum(2.0 ** -lengths(paths)) == pytest.approx(1, abs=1e-12)  # Kraft: no code is left over
    words = {
        tuple(zip(paths.path_nodes[a:b].tolist(), paths.path_signs[a:b].tolist(), strict=True))
        for a, b in pairwise(paths.path_starts)
    }
    assert len(words) == counts.size
    assert {path[0][0] for path in words} == {counts.size - 2}  # the root


@pytest.mark.parametrize("counts", [[], [3], [3, 0], [1, 2]])
def test_counts_without_a_tree_are_refused(counts):
    with pytest.raises(ValueError, match="Huffman"):
        huffman_paths(np.array(counts, dtype=np.int64))
