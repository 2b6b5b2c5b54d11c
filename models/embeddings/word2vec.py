"""Word embeddings by word2vec: skip-gram or CBOW, with negative sampling or a Huffman tree (Mikolov et al. 2013a and
2013b).

    token_ids        (n_tokens,) int32: the corpus as places in a vocabulary, in reading order; may be a memory map
    sentence_starts  (n_sentences,) int64: where sentences start in it, rising from 0; windows stay within a sentence
    counts           (n_types,) int64: how often each token id occurs
    word             a token id that is frequent enough, numbered anew by falling count
    n_v              shards learned side by side (`word2vec_shards`): the result depends on it, and not on `workers`

The same arguments give the same bytes, with any number of workers, on every run, on one kind of processor. Memory: two
matrices of words by dimensions, and for each shard side by side eight bytes a word and its few private rows; the corpus
is only read. Not implemented: phrases, the asynchronous updates of word2vec.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np

from models.embeddings.huffman import huffman_paths
from models.embeddings.word2vec_epochs import EMPTY_SUMS, EpochSums, Training, prepare, run_epoch
from models.embeddings.word2vec_memory import SHARD_TOKENS, TREE_SHARD_TOKENS, Corpus, cut_into_shards, make_outputs
from models.embeddings.word2vec_shards import Plan
from models.embeddings.word2vec_state import WarmStart, digests_of, restore, set_warm, state_of
from models.kernels.alias_table import make_alias_table
from models.kernels.lanes import aligned_zeros, lanes_width
from models.kernels.random_bits import stream_key
from models.settings import setting
from models.training.state import TrainingState

FEWEST_WORDS = 2  # a negative is never the word itself, and a tree has two leaves
SIDE_BY_SIDE_TOKENS = 4_000_000  # smaller corpora learn better from a shard at a time, in seconds (decision 0009)
SHARDS_SIDE_BY_SIDE = 8
_KEEP, _WINDOW, _POOL, _START = range(4)  # the streams of random numbers


class Word2VecError(ValueError):
    """A corpus or settings from which nothing can be learned; the message says what to change."""


class NothingToLearnError(Word2VecError):
    """A corpus that is well formed and too small; `rule` names what is true of it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Word2VecSettings:
    """How to train; names and meanings as in gensim, defaults too but for `sg`.

    sg: 1 skip-gram, 0 CBOW. hs: 1 Huffman tree, 0 negative sampling with `negative` words a window drawn in proportion
    to count ** ns_exponent. sample: share of the corpus above which a word's occurrences are thinned out, 0 = none.
    cbow_mean: 1 mean of the window's vectors, 0 their sum. cbow_exact: move the window's vectors along the gradient,
    and not, as word2vec.c and gensim do, by the whole change of their mean or by its n-th part for their sum. alpha
    falls to min_alpha in a straight line over all tokens of all epochs. workers: threads.
    shards: trained side by side; 0 = one below four million tokens, else 8.
    """

    vector_size: int = 100
    window: int = 5
    min_count: int = 5
    negative: int = 5
    ns_exponent: float = 0.75
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 0.0001
    epochs: int = 5
    sg: Literal[0, 1] = 1
    hs: Literal[0, 1] = 0
    cbow_mean: Literal[0, 1] = 1
    cbow_exact: bool = False
    shrink_windows: bool = True
    seed: int = 1
    workers: int = setting(1, decides=())
    shards: int = 0

    def __post_init__(self) -> None:
        """Word2VecError naming the first setting that is out of range."""
        for name in ("vector_size", "window", "min_count", "epochs", "workers"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}")
        _require(
            self.sg in (0, 1) and self.hs in (0, 1) and self.cbow_mean in (0, 1), "sg, hs and cbow_mean are 0 or 1"
        )
        _require(
            self.negative >= 1 or self.hs == 1,
            "with hs=0 negative must be 1 or more: choose hs=1 for a model without negatives",
        )
        _require(self.sample >= 0 and np.isfinite(self.sample), f"sample must be 0 or more, not {self.sample}")
        _require(
            0 <= self.min_alpha <= self.alpha < np.inf,
            "alpha and min_alpha must be finite with 0 <= min_alpha <= alpha",
        )
        _require(np.isfinite(self.ns_exponent), "ns_exponent must be finite")
        _require(self.shards >= 0, "shards must be 0 or more")


@dataclass(frozen=True)
class Progress:
    """How far training is: epoch from 0, tokens done and to do over all epochs, mean loss a pair in this epoch."""

    epoch: int
    n_tokens_done: int
    n_tokens_in_all: int
    loss: float


@dataclass(frozen=True)
class Word2Vec:
    """A trained model. Row w of the vectors, and entry w of the rest, belongs to word w.

    token_ids: each word's id in the vocabulary that was given. vectors: (n_words, vector_size) float32. output_vectors:
    the same of the words as targets, or (n_words - 1, vector_size) of the tree's inner nodes. losses: mean loss a pair
    in nats of each epoch, a pair being an input vector with its target and negatives or path. n_words_trained:
    occurrences in windows, over all epochs.
    """

    settings: Word2VecSettings
    token_ids: np.ndarray
    counts: np.ndarray
    vectors: np.ndarray
    output_vectors: np.ndarray
    losses: tuple[float, ...]
    n_words_trained: int


def train_word2vec(
    token_ids: np.ndarray,
    sentence_starts: np.ndarray,
    counts: np.ndarray,
    settings: Word2VecSettings,
    progress: Callable[[Progress], None] | None = None,
    *,
    warm_start: WarmStart | None = None,
    resume: TrainingState | None = None,
    checkpoint: Callable[[TrainingState], None] | None = None,
) -> Word2Vec:
    """The model that one pass an epoch over the corpus leaves; see the legend. `progress` is called some times a
    second.

    warm_start: words of an earlier model start from its vectors (`WarmStart`). checkpoint: called as often as
    `progress`, and at the end of each epoch, with a state that holds until it returns. resume: such a state, of the
    same arguments but for `workers`; training goes on from there, to the same bytes.

    NothingToLearnError for fewer than two words with min_count occurrences and for no two words in any window;
    Word2VecError for an empty corpus, ids outside of the vocabulary, sentence starts that do not rise from 0, and
    weights that did not stay finite; TrainingStateError for a warm start of another size, or a state of other settings,
    another corpus or another start.
    """
    counts = np.asarray(counts, np.int64)
    words = frequent_words(counts, settings.min_count)
    kept_counts = counts[words]
    read = word_numbers(words, counts.size), kept_shares(kept_counts, settings.sample)
    corpus = make_corpus(
        token_ids, sentence_starts, *read, n_in_shard=TREE_SHARD_TOKENS if settings.hs else SHARD_TOKENS
    )
    matrices = start_matrices(words.size, settings)
    if warm_start is not None:
        set_warm(matrices, words, warm_start, settings.vector_size)
    n_v = settings.shards or (SHARDS_SIDE_BY_SIDE if corpus.token_ids.size >= SIDE_BY_SIDE_TOKENS else 1)
    training = prepare_training(corpus, kept_counts, matrices, settings, n_v)
    digests: dict[str, str] = {}
    if resume is not None or checkpoint is not None:
        digests = digests_of(
            asdict(replace(settings, workers=1)), (corpus.token_ids, corpus.sentence_starts, counts), matrices
        )
    epochs = restore(resume, digests, matrices) if resume is not None else []
    n_tokens = corpus.token_ids.size
    for epoch in range(max(len(epochs) - 1, 0), settings.epochs):
        begun, before = epochs[epoch] if epoch < len(epochs) else EMPTY_SUMS, epochs[:epoch]

        def report(sums: EpochSums, epoch: int = epoch, before: list[EpochSums] = before) -> None:
            if progress is not None:
                progress(
                    Progress(epoch, epoch * n_tokens + sums.n_tokens, settings.epochs * n_tokens, sums.loss_a_pair)
                )
            if checkpoint is not None and np.isfinite(sums.loss):
                checkpoint(state_of(digests, [*before, sums], matrices))

        sums = run_epoch(training, make_plan(settings, epoch, n_tokens), report, begun)
        if sums.n_pairs == 0:
            raise NothingToLearnError(
                "no_two_words_in_a_window",
                "no two words of the vocabulary stand in one window: give longer sentences, or thin out less (sample)",
            )
        finite = np.isfinite(sums.loss) and all(np.isfinite(matrix).all() for matrix in matrices)
        _require(bool(finite), f"the weights did not stay finite: give an alpha below {settings.alpha}")
        epochs = [*before, sums]
    dimensions = slice(0, settings.vector_size)
    return Word2Vec(
        settings,
        words,
        kept_counts,
        matrices[0][:, dimensions].copy(),
        matrices[1][:, dimensions].copy(),
        tuple(sums.loss_a_pair for sums in epochs),
        sum(sums.n_words for sums in epochs),
    )


def frequent_words(counts: np.ndarray, min_count: int) -> np.ndarray:
    """Token ids with at least `min_count` occurrences, by falling count, then rising id; int32. NothingToLearnError."""
    order = np.argsort(-counts, kind="stable")
    words = order[: np.count_nonzero(counts >= max(min_count, 1))].astype(np.int32)
    if words.size < FEWEST_WORDS:
        raise NothingToLearnError(
            f"fewer_than_{FEWEST_WORDS}_words_with_{min_count}_occurrences",
            f"{words.size} of {np.count_nonzero(counts)} different words occur {min_count} times or more, and"
            f" {FEWEST_WORDS} are the least that can be learned: give more text or a smaller min_count",
        )
    return words


def word_numbers(words: np.ndarray, n_types: int) -> np.ndarray:
    """For each token id its place in `words`, -1 where it has none; (n_types,) int32."""
    word_of = np.full(n_types, -1, np.int32)
    word_of[words] = np.arange(words.size, dtype=np.int32)
    return word_of


def kept_shares(counts: np.ndarray, sample: float) -> np.ndarray:
    """The share of each word's occurrences that is kept: (sqrt(f / sample) + 1) sample / f, f the word's share, and at
    most 1.

    That is what word2vec.c and gensim do; Mikolov et al. 2013b, equation 5, says sqrt(sample / f). 1 for sample = 0.
    """
    if sample == 0:
        return np.ones(counts.size, np.float32)
    times = counts / (sample * counts.sum())  # f / sample
    return np.minimum(1, (np.sqrt(times) + 1) / times).astype(np.float32)


def make_corpus(
    token_ids: np.ndarray,
    sentence_starts: np.ndarray,
    word_of: np.ndarray,
    keep: np.ndarray,
    *,
    n_in_shard: int = SHARD_TOKENS,
) -> Corpus:
    """The corpus as the kernels read it. Word2VecError where it is empty, or ids or sentence starts are in disorder."""
    ids, starts = np.asarray(token_ids, np.int32), np.asarray(sentence_starts, np.int64)
    _require(ids.size > 0 and starts.size > 0, "the corpus is empty: there is nothing to learn from")
    _require(
        ids.min() >= 0 and ids.max() < word_of.size,
        f"token ids must lie in 0 to {word_of.size - 1}, as many as there are counts",
    )
    rises = starts[0] == 0 and starts[-1] <= ids.size and (np.diff(starts) >= 0).all()
    _require(bool(rises), "sentence starts must rise from 0 to no more than the number of tokens")
    ids = ids.view()
    ids.flags.writeable = False  # one type for memory maps and arrays, so that the kernel is compiled once
    return Corpus(ids, *cut_into_shards(starts, ids.size, n_in_shard), word_of, keep)


def start_matrices(n_words: int, settings: Word2VecSettings) -> tuple[np.ndarray, np.ndarray]:
    """Inputs drawn evenly from ±1 / (2 D), as in word2vec.c, outputs of 0; float32 rows, padded to whole lanes."""
    draws = np.random.Generator(np.random.Philox(key=int(stream_key(settings.seed, _START))))
    inputs = padded_to_lanes((draws.random((n_words, settings.vector_size), np.float32) - 0.5) / settings.vector_size)
    return inputs, aligned_zeros(n_words - settings.hs, inputs.shape[1])


def padded_to_lanes(rows: np.ndarray) -> np.ndarray:
    """A float32 copy of the rows, 0 added at their ends up to whole lanes."""
    padded = aligned_zeros(rows.shape[0], lanes_width(rows.shape[1]))
    padded[:, : rows.shape[1]] = rows
    return padded


def prepare_training(
    corpus: Corpus, counts: np.ndarray, matrices: tuple[np.ndarray, np.ndarray], settings: Word2VecSettings, n_v: int
) -> Training:
    """Everything that an epoch needs; `counts` are those of the words, and `matrices` will be trained in place."""
    if settings.hs:
        outputs = make_outputs(None, huffman_paths(counts))
        most_outputs = int(np.diff(outputs.path_starts).max())
    else:
        outputs = make_outputs(make_alias_table(counts.astype(np.float64) ** settings.ns_exponent), None)
        most_outputs = 1 + settings.negative
    return prepare(
        corpus,
        outputs,
        matrices,
        window=settings.window,
        most_outputs=most_outputs,
        n_v=n_v,
        n_threads=settings.workers,
    )


def make_plan(settings: Word2VecSettings, epoch: int, n_tokens: int) -> Plan:
    """The numbers that steer one epoch over a corpus of n_tokens."""
    return Plan(
        width=lanes_width(settings.vector_size),
        window=settings.window,
        is_shrinking=settings.shrink_windows,
        is_cbow=settings.sg == 0,
        is_mean=settings.cbow_mean == 1,
        is_exact=settings.cbow_exact,
        negative=0 if settings.hs else settings.negative,
        alpha=float(settings.alpha),
        min_alpha=float(settings.min_alpha),
        n_tokens_before=epoch * n_tokens,
        n_tokens_in_all=settings.epochs * n_tokens,
        keep_key=stream_key(settings.seed, _KEEP, epoch),
        window_key=stream_key(settings.seed, _WINDOW, epoch),
        pool_key=stream_key(settings.seed, _POOL, epoch),
    )


def _require(holds: bool, message: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not holds:
        raise Word2VecError(message)
