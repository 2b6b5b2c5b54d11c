"""Word embeddings by GloVe, from counts of words that stand near each other (Pennington et al. 2014).

    token_ids, sentence_starts, counts, word    as in models.embeddings.word2vec
    X, f, eta, x_max                            as in models.embeddings.cooccurrence and models.embeddings.glove_steps

The same arguments give the same bytes, with any number of workers. Memory: the entries of X at some 60 bytes each
while they are put in order and 16 after, and four numbers for each word and dimension. Sentences beyond 1,000 tokens
are cut as in word2vec. A word's vector is the sum of its vectors as row and as column, as the authors advise (their
section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from models.embeddings.cooccurrence import Cooccurrences, count_cooccurrences
from models.embeddings.glove_steps import Entries, Learned, train_blocks
from models.embeddings.word2vec import (
    NothingToLearnError,
    Word2VecError,
    frequent_words,
    make_corpus,
    padded_to_lanes,
    word_numbers,
)
from models.kernels.random_bits import stream_key
from models.kernels.rendezvous import make_gate
from models.settings import setting

N_PARTS = 8  # blocks side by side; results depend on it, and threads beyond it have nothing to do
_ORDER, _START = range(10, 12)  # streams of random numbers


@dataclass(frozen=True)
class GloveSettings:
    """How to train; names and defaults as in the authors' program, but for `epochs` (there iter), and `min_count` as in
    word2vec.

    x_max: 10 as in their demonstration on text8, 17 M words; 100 for billions of words, as in the paper
    (docs/benchmarks.md).
    most_entries: entries of X counted at a time; fewer take less memory and more passes. workers: threads.
    """

    vector_size: int = 100
    window: int = 15
    min_count: int = 5
    x_max: float = 10.0
    alpha: float = 0.75
    eta: float = 0.05
    epochs: int = 25
    seed: int = 1
    workers: int = setting(1, decides=())
    most_entries: int = 1 << 23

    def __post_init__(self) -> None:
        """GloveError naming the first setting that is out of range."""
        for name in ("vector_size", "window", "min_count", "epochs", "workers", "most_entries"):
            if getattr(self, name) < 1:
                raise GloveError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("x_max", "alpha", "eta"):
            if not 0 < getattr(self, name) < np.inf:
                raise GloveError(f"{name} must be finite and above 0, not {getattr(self, name)}")


class GloveError(Word2VecError):
    """Settings from which nothing can be learned; the message says what to change."""


@dataclass(frozen=True)
class Glove:
    """A trained model; row w of `vectors`, (n_words, vector_size) float32, and entry w of the rest, belongs to word w.

    losses: mean over the n_entries entries of X of f(X_ij) e_ij^2, for each epoch.
    """

    settings: GloveSettings
    token_ids: np.ndarray
    counts: np.ndarray
    vectors: np.ndarray
    losses: tuple[float, ...]
    n_entries: int


def train_glove(
    token_ids: np.ndarray,
    sentence_starts: np.ndarray,
    counts: np.ndarray,
    settings: GloveSettings,
    progress: Callable[[int, float], None] | None = None,
) -> Glove:
    """The model after all epochs. `progress` is called with each epoch, from 0, and its loss.

    Errors as of `train_word2vec`.
    """
    counts = np.asarray(counts, np.int64)
    words = frequent_words(counts, settings.min_count)
    corpus = make_corpus(token_ids, sentence_starts, word_numbers(words, counts.size), np.ones(words.size, np.float32))
    most_entries = max(settings.most_entries, words.size)
    pieces = count_cooccurrences(
        corpus.token_ids, corpus.sentence_starts, corpus.word_of, window=settings.window, most_entries=most_entries
    )
    entries = arrange_entries(list(pieces), settings)
    n_entries = entries.rows.size
    if n_entries == 0:
        raise NothingToLearnError(
            "no_two_words_in_a_window", "no two words of the vocabulary stand in one sentence: give longer sentences"
        )
    sides = start_sides(words.size, settings)
    losses = []
    with ThreadPoolExecutor(min(settings.workers, N_PARTS), "glove") as threads:
        for epoch in range(settings.epochs):
            losses.append(_run_epoch(entries, sides, settings, threads) / n_entries)
            if not (np.isfinite(losses[-1]) and all(np.isfinite(side.vectors).all() for side in sides)):
                raise GloveError(f"the weights did not stay finite: give an eta below {settings.eta}")
            if progress is not None:
                progress(epoch, losses[-1])
    both = (sides[0].vectors + sides[1].vectors).reshape(words.size, -1)
    return Glove(settings, words, counts[words], both[:, : settings.vector_size].copy(), tuple(losses), n_entries)


def arrange_entries(pieces: list[Cooccurrences], settings: GloveSettings) -> Entries:
    """The entries in blocks, in an order within each block that the seed decides."""
    rows, columns, x = (np.concatenate(column) for column in zip(*pieces, strict=True))
    block = (rows % N_PARTS) * N_PARTS + columns % N_PARTS
    draws = np.random.Generator(np.random.Philox(key=int(stream_key(settings.seed, _ORDER))))
    order = draws.permutation(rows.size)
    order = order[np.argsort(block[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=N_PARTS**2))]).astype(np.int64)
    weights = np.minimum(1, (x[order] / settings.x_max) ** settings.alpha)
    return Entries(rows[order], columns[order], np.log(x[order]).astype(np.float32), weights.astype(np.float32), starts)


def start_sides(n_words: int, settings: GloveSettings) -> tuple[Learned, Learned]:
    """Rows and columns before the first step: numbers drawn evenly from -1 / (2 D) to 1 / (2 D), and 1 for every G."""
    draws = np.random.Generator(np.random.Philox(key=int(stream_key(settings.seed, _START))))
    sides = []
    for _ in range(2):
        numbers = (draws.random((n_words, settings.vector_size + 1), np.float32) - 0.5) / settings.vector_size
        vectors = padded_to_lanes(numbers[:, :-1]).reshape(-1)
        sides.append(Learned(vectors, numbers[:, -1].copy(), np.ones_like(vectors), np.ones(n_words, np.float32)))
    return sides[0], sides[1]


def _run_epoch(
    entries: Entries, sides: tuple[Learned, Learned], settings: GloveSettings, threads: ThreadPoolExecutor
) -> float:
    """The sum of f e^2 over all entries, each taken before its step."""
    n_threads = min(settings.workers, N_PARTS)
    gate, losses = make_gate(), np.zeros(N_PARTS**2)
    width = sides[0].vectors.size // sides[0].biases.size

    def train(thread: int) -> None:
        train_blocks(entries, *sides, float(settings.eta), width, N_PARTS, thread, n_threads, gate, losses)

    list(threads.map(train, range(n_threads)))
    return float(losses.sum())
