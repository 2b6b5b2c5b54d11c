"""The Huffman tree over a vocabulary, as the paths from its root to each word (Huffman 1952; Mikolov et al. 2013b,
section 2.1).

n       words, by falling count
node    inner node of the tree, 0 to n - 2 in the order in which they are joined; n - 2 is the root
sign    +1 where the path turns to the child that was the rarer when the two were joined, -1 where to the other
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.kernels.kernel_cache import kernel


class HuffmanPaths(NamedTuple):
    """The path to word w is the entries path_starts[w] to path_starts[w + 1] of the other two, from the root on."""

    path_starts: np.ndarray  # (n + 1,) int64
    path_nodes: np.ndarray  # int32
    path_signs: np.ndarray  # float32


def huffman_paths(counts: np.ndarray) -> HuffmanPaths:
    """The paths to all words of a vocabulary with these counts, which must fall or stay equal. Linear in their number.

    A word's path is as long as its code: on average at least the entropy of the counts in bits, and less than one more.
    ValueError where there are fewer than two words, a count below 1, or counts that rise.
    """
    counts = np.asarray(counts, np.int64)
    if counts.size < 2 or counts.min() < 1 or (np.diff(counts) > 0).any():
        raise ValueError("a Huffman tree needs two words or more, with counts of 1 or more that do not rise")
    parent, is_rarer = _join(counts)
    return HuffmanPaths(*_walk(parent, is_rarer, counts.size))


@kernel()
def _join(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each leaf 0 .. n - 1 and inner node n .. 2n - 2 its parent, and whether it was the rarer of the two joined
    there.

    Leaves wait by falling count and inner nodes by rising weight, so the two lightest are always at two known places.
    """
    n = counts.size
    weight, parent, is_rarer = (
        np.empty(2 * n - 1, np.int64),
        np.zeros(2 * n - 1, np.int64),
        np.zeros(2 * n - 1, np.bool_),
    )
    weight[:n] = counts
    leaf, inner = n - 1, n
    for joined in range(n, 2 * n - 1):
        weight[joined] = 0
        for turn in range(2):
            if leaf >= 0 and (inner >= joined or weight[leaf] <= weight[inner]):
                lightest = leaf
                leaf -= 1
            else:
                lightest = inner
                inner += 1
            weight[joined] += weight[lightest]
            parent[lightest] = joined
            is_rarer[lightest] = turn == 0
    return parent, is_rarer


@kernel()
def _walk(parent: np.ndarray, is_rarer: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The paths of `HuffmanPaths`, each found from its leaf up and laid down from the root."""
    root = 2 * n - 2
    path_starts = np.zeros(n + 1, np.int64)
    for word in range(n):
        length, node = 0, word
        while node != root:
            length += 1
            node = parent[node]
        path_starts[word + 1] = path_starts[word] + length
    path_nodes, path_signs = np.empty(path_starts[n], np.int32), np.empty(path_starts[n], np.float32)
    for word in range(n):
        node = word
        for i in range(path_starts[word + 1] - 1, path_starts[word] - 1, -1):
            path_nodes[i] = parent[node] - n
            path_signs[i] = 1 if is_rarer[node] else -1
            node = parent[node]
    return path_starts, path_nodes, path_signs
