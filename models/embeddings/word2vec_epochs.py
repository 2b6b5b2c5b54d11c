"""Epochs of word2vec: rounds of shards given to threads, the loss watched."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from models.embeddings.word2vec_memory import Bench, Corpus, Outputs, Side, make_bench, make_side
from models.embeddings.word2vec_shards import Plan, train_rounds
from models.kernels.rendezvous import make_gate

TOKENS_PER_REPORT = 1 << 18  # between two looks at the loss: a tenth of a second of work
# Rows that a word brings to a shard with negatives: itself, one of the pool, and at worst its neighbour.
SETS_OF_OUTPUTS = 3


@dataclass(frozen=True)
class Training:
    """A corpus, what its words are scored against, the two matrices that are trained in place, and scratch memory."""

    corpus: Corpus
    outputs: Outputs
    bench: Bench
    input_side: Side
    output_side: Side
    n_threads: int


@dataclass(frozen=True)
class EpochSums:
    """Sums so far over an epoch: loss in nats, input vectors scored, middle words trained, tokens and rounds read."""

    loss: float = 0.0
    n_pairs: int = 0
    n_words: int = 0
    n_tokens: int = 0
    n_rounds: int = 0

    @property
    def loss_a_pair(self) -> float:
        """Mean loss a pair; NaN where there was no pair."""
        return self.loss / self.n_pairs if self.n_pairs else float("nan")


EMPTY_SUMS = EpochSums()


def prepare(
    corpus: Corpus,
    outputs: Outputs,
    matrices: tuple[np.ndarray, np.ndarray],
    *,
    window: int,
    most_outputs: int,
    n_v: int,
    n_threads: int,
) -> Training:
    """Memory for n_v shards side by side. `matrices` are the input and the output rows, each (n_rows, width) float32 in
    C order.

    A middle word is scored against `most_outputs` rows at most. Threads beyond n_v would have nothing to do and are
    left out.
    """
    most_words = int(np.diff(corpus.sentence_starts[corpus.shard_starts]).max())
    rows_a_word = most_outputs if outputs.path_starts.size else SETS_OF_OUTPUTS
    bench = make_bench(n_v, most_words, most_outputs, window, matrices[0].shape[1])
    sides = make_side(matrices[0], n_v, most_words), make_side(matrices[1], n_v, most_words * rows_a_word)
    return Training(corpus, outputs, bench, *sides, min(n_threads, n_v))


def run_epoch(
    training: Training, plan: Plan, report: Callable[[EpochSums], None] | None = None, begun: EpochSums = EMPTY_SUMS
) -> EpochSums:
    """The sums over one epoch, which changes the matrices, or over what is left of it after `begun`.

    `report` is called some times a second, until the loss is not finite.
    """
    corpus, n_v = training.corpus, training.bench.loss.size
    n_shards = corpus.shard_starts.size - 1
    n_rounds = -(-n_shards // n_v)
    n_rounds_a_report = max(1, TOKENS_PER_REPORT * n_rounds // corpus.token_ids.size)
    gate, loss, done = make_gate(), np.array([begun.loss]), np.array([begun.n_pairs, begun.n_words])
    work = (corpus, training.outputs, plan, training.bench, training.input_side, training.output_side)
    sums = begun
    with ThreadPoolExecutor(training.n_threads, "word2vec") as threads:
        for first in range(begun.n_rounds, n_rounds, n_rounds_a_report):
            n_now = min(n_rounds_a_report, n_rounds - first)

            def train(thread: int, first: int = first, n_now: int = n_now) -> None:
                train_rounds(*work, first, n_now, thread, training.n_threads, gate, loss, done)

            list(threads.map(train, range(training.n_threads)))
            end = corpus.sentence_starts[corpus.shard_starts[min((first + n_now) * n_v, n_shards)]]
            sums = EpochSums(float(loss[0]), int(done[0]), int(done[1]), int(end), first + n_now)
            if report is not None:
                report(sums)
            if not np.isfinite(sums.loss):
                break
    return sums
