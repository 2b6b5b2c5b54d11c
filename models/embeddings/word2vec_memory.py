"""The arrays on which word2vec's kernels work: what is read, the shared rows, and the private memory of the shards of a
round.

token_ids  (n_tokens,) int32 of the corpus, in its order
shard a run of whole sentences, 512 or 2,048 tokens or some more; v numbers the shards of one round, from 0 to n_v - 1
row of the input or output matrix: `width` numbers, the dimensions rounded up to whole lanes, 0 beyond them place where
a shard's private copy of a row lies; each shard has a run of places, of which the first stays 0: it fills
           windows up to whole tiles
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.embeddings.huffman import HuffmanPaths
from models.embeddings.word2vec_window import TILE_OUTPUTS
from models.kernels.alias_table import AliasTable
from models.kernels.lanes import aligned_zeros, lanes_width

SHARD_TOKENS = 512  # docs/decisions/0009: larger ones copy fewer rows and learn from staler ones
TREE_SHARD_TOKENS = 2_048  # the same: paths bring more rows to copy; 1,024 take 15 to 27 % longer
LONGEST_SENTENCE = 1_000  # tokens; longer ones are cut, as in word2vec.c (MAX_SENTENCE_LENGTH)
N_RESERVED = 1


class Corpus(NamedTuple):
    """What is read. Sentence s is token_ids[sentence_starts[s] : sentence_starts[s + 1]]; shards are of sentences."""

    token_ids: np.ndarray
    sentence_starts: np.ndarray  # (n_sentences + 1,) int64
    shard_starts: np.ndarray  # (n_shards + 1,) int64
    word_of: np.ndarray  # int32: the model's word for each token id, -1 = left out
    keep: np.ndarray  # (n_words,) float32: probability with which an occurrence is kept


class Outputs(NamedTuple):
    """What a middle word is scored against: itself and negatives from the table, or its path; the other is empty."""

    own: np.ndarray
    other: np.ndarray
    path_starts: np.ndarray
    path_nodes: np.ndarray
    path_signs: np.ndarray


class Side(NamedTuple):
    """One matrix, and the private copies that shards have of its rows."""

    rows: np.ndarray  # (n_rows * width,) float32, shared
    place_of: np.ndarray  # (n_v, n_rows) int32: place of a row's copy, -1 = none
    row_at: np.ndarray  # (n_places,) int32: the row copied to a place
    copies: np.ndarray  # (n_places * width,) float32
    pull: np.ndarray  # (n_places,) float32: learning rate, summed over the scores in which the copy stood
    first: np.ndarray  # (n_v,) int64: first place of a shard
    end: np.ndarray  # (n_v,) int64: end of the places that it has taken
    # (n_rows,) int64: while merging, the place of a row's copy in the first shard that has one, else -1.
    first_copy: np.ndarray
    next_copy: np.ndarray  # (n_places,) int64: the place of the same row's copy in the next shard that has one, else -1


class Bench(NamedTuple):
    """Working space of each shard of a round; the first axis is v."""

    words: np.ndarray  # (n_v, most_words) int32: kept words; then the places of their input rows
    position: np.ndarray  # (n_v, most_words) int64: their places in the corpus
    lo: np.ndarray  # (n_v, most_words) int32: their windows, as ranges of kept words
    hi: np.ndarray
    pool: np.ndarray  # (n_v, most_words) int32: places of the words drawn as negatives
    output_start: np.ndarray  # (n_v, most_words + 1) int64: each kept word's range in the next two
    output_at: np.ndarray  # (n_v, most_words * most_outputs) int32: places of output rows
    output_sign: np.ndarray  # (n_v, most_words * most_outputs) float32: y
    around: np.ndarray  # (n_v, 2 * window) int32: places of the rows of a window
    h: np.ndarray  # (n_v, 2 * window * width) float32: tiles and margins, as in word2vec_window
    z: np.ndarray  # (n_v, 2 * window * most_outputs, in whole lanes) float32
    loss: np.ndarray  # (n_v,) float64: sum over the shard last trained
    n_pairs: np.ndarray  # (n_v,) int64: input vectors that were scored
    n_trained: np.ndarray  # (n_v,) int64: middle words


def cut_into_shards(sentence_starts: np.ndarray, n_tokens: int, n_in_shard: int) -> tuple[np.ndarray, np.ndarray]:
    """Sentences cut to LONGEST_SENTENCE, and shards of about `n_in_shard` of them, both as starts with the end added
    (see `Corpus`).

    `sentence_starts` is (n_sentences,) and rises from 0. A shard begins with the first sentence that
    starts in each `n_in_shard` tokens of the corpus.
    """
    starts = np.append(sentence_starts, n_tokens).astype(np.int64)
    n_pieces = -(-np.diff(starts) // LONGEST_SENTENCE)
    if n_pieces.size and n_pieces.max() > 1:
        first = np.repeat(starts[:-1], n_pieces)
        within = np.arange(first.size) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        starts = np.append(first + within * LONGEST_SENTENCE, n_tokens)
    shard_of = starts[:-1] // n_in_shard
    shard_starts = np.append(np.flatnonzero(np.diff(shard_of, prepend=-1)), starts.size - 1)
    return starts, shard_starts.astype(np.int64)


def make_outputs(table: AliasTable | None, paths: HuffmanPaths | None) -> Outputs:
    """The outputs of a model with negatives (`table`) or with a tree (`paths`); exactly one is given."""
    table = table or AliasTable(np.zeros(0, np.float32), np.zeros(0, np.int32))
    paths = paths or HuffmanPaths(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    return Outputs(*table, *paths)


def make_side(rows: np.ndarray, n_v: int, most_rows: int) -> Side:
    """Private memory for copies of `most_rows` rows a shard at most; `rows` (n_rows, width), C order, are trained."""
    n_rows, width = rows.shape
    n_places = min(n_rows, most_rows) + N_RESERVED
    first = np.arange(n_v) * n_places
    total = n_v * n_places
    return Side(
        rows.reshape(-1),
        np.full((n_v, n_rows), -1, np.int32),
        np.zeros(total, np.int32),
        aligned_zeros(total * width),
        np.zeros(total, np.float32),
        first,
        first + N_RESERVED,
        np.full(n_rows, -1, np.int64),
        np.full(total, -1, np.int64),
    )


def make_bench(n_v: int, most_words: int, most_outputs: int, window: int, width: int) -> Bench:
    """Working space for shards of at most `most_words` words, each scored against at most `most_outputs` rows."""
    most_outputs = -(-most_outputs // TILE_OUTPUTS) * TILE_OUTPUTS
    n_scores = lanes_width(2 * window * most_outputs)
    of_words, of_outputs = (n_v, most_words), (n_v, most_words * most_outputs)
    return Bench(
        np.zeros(of_words, np.int32),
        np.zeros(of_words, np.int64),
        np.zeros(of_words, np.int32),
        np.zeros(of_words, np.int32),
        np.zeros(of_words, np.int32),
        np.zeros((n_v, most_words + 1), np.int64),
        np.zeros(of_outputs, np.int32),
        np.zeros(of_outputs, np.float32),
        np.zeros((n_v, 2 * window), np.int32),
        aligned_zeros(n_v, 2 * window * width),
        aligned_zeros(n_v, n_scores),
        np.zeros(n_v),
        np.zeros(n_v, np.int64),
        np.zeros(n_v, np.int64),
    )
