"""The training of one language's word vectors: from its corpus to a kept model, resumed where it was killed."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.embeddings.glove import train_glove
from models.embeddings.word2vec import NothingToLearnError, Word2Vec, train_word2vec
from models.embeddings.word2vec_loss import held_out_loss, unigram_loss, untrained_loss
from models.embeddings.word2vec_state import TrainingStateError, WarmStart
from tasks.embeddings.corpus import EncodedCorpus, encoded_corpus
from tasks.embeddings.scoring import WordVectors, read_word_tests, score_on, scores_of
from tasks.embeddings.settings import GLOVE, WORD2VEC, EmbeddingSettings
from tasks.embeddings.start import Start, read_start
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput
from tasks.learning.checkpoints import Checkpoints
from tasks.learning.decisions import write_skip
from tasks.learning.embedding_progress import reporter
from tasks.learning.model_store import Score, TrainedModel, write_model

UNKNOWN_LANGUAGE = "und"
HELD_OUT_LOSS = ("loss_per_pair", "held_out")


@dataclass(frozen=True)
class LanguageCorpus:
    """What `train_vectors` reads: a language's files in reading order; the snapshot from which they were made, and its word tests; the
    model to start from; and the name of the work's checkpoints.
    """

    lang: str
    files: tuple[FileRef, ...]
    snapshot_id: str
    settings: EmbeddingSettings
    tests: tuple[FileRef, ...] = ()
    start: Start | None = None
    checkpoint: str = "training"


@dataclass(frozen=True)
class Learned:
    """What either model leaves: for each word its id in the vocabulary, its count and its vector; all tensors; scores; notes."""

    token_ids: np.ndarray
    counts: np.ndarray
    vectors: np.ndarray
    tensors: Mapping[str, np.ndarray]
    scores: Sequence[Score]
    notes: Mapping[str, Any]
    min_count: int


def vector_step(settings: EmbeddingSettings) -> Step:
    """The step `train_vectors` under these settings."""
    model = (
        ("models.embeddings.glove",)
        if settings.model == GLOVE
        else ("models.embeddings.word2vec", "models.embeddings.word2vec_loss")
    )
    return Step("train_vectors", (*model, "tasks.transforms.text.word_sequences"), settings.deciding())


def train_vectors_body(lake: Lake, corpus: LanguageCorpus) -> StepOutput:
    """Train a language's model and leave it, its scores and `word_vectors`. Rows are tokens; rare words' and held-out ones are set aside.

    From too small a corpus nothing is trained, and the ledger says so.
    """
    settings, n_tokens = corpus.settings, sum(ref.n_rows for ref in corpus.files)
    if corpus.lang == UNKNOWN_LANGUAGE:
        return _skipped(lake, corpus, n_tokens, "language_unknown")
    if n_tokens < settings.fewest_tokens:
        rule = f"fewer_than_{settings.fewest_tokens}_tokens"
        return _skipped(lake, corpus, n_tokens, rule, score=float(n_tokens), threshold=float(settings.fewest_tokens))
    checkpoints = Checkpoints(lake, corpus.checkpoint, settings.checkpoint_every_s)
    with encoded_corpus(lake, corpus.files, settings.held_out_share, settings.seed) as encoded:
        try:
            learned = (
                _learn_glove(encoded, corpus)
                if settings.model == GLOVE
                else _learn_word2vec(lake, encoded, corpus, checkpoints)
            )
        except NothingToLearnError as error:
            checkpoints.remove()
            return _skipped(lake, corpus, n_tokens, error.rule)
        terms, n_held_out = encoded.vocabulary.take(pa.array(learned.token_ids)), encoded.held_out.token_ids.size
    files = _keep(lake, corpus, learned, terms, checkpoints.seconds)
    checkpoints.remove()
    n_learned = int(learned.counts.sum())
    set_aside = {
        "held_out": n_held_out,
        f"fewer_than_{learned.min_count}_occurrences": n_tokens - n_held_out - n_learned,
    }
    return StepOutput(files, n_tokens, n_learned, {rule: n for rule, n in set_aside.items() if n})


def _learn_word2vec(lake: Lake, encoded: EncodedCorpus, corpus: LanguageCorpus, checkpoints: Checkpoints) -> Learned:
    training, start = encoded.training, corpus.start
    settings = corpus.settings.for_corpus(training.token_ids.size, is_warm=start is not None)
    warm = _warm_start(lake, start, encoded.vocabulary, has_outputs=not settings.hs) if start is not None else None
    tell = reporter(corpus.lang, settings.epochs * training.token_ids.size)
    state = checkpoints.load()
    while True:
        try:
            model = train_word2vec(
                training.token_ids, training.sentence_starts, encoded.counts, settings,
                lambda progress: tell(progress.n_tokens_done, progress.loss),
                warm_start=warm, resume=state, checkpoint=checkpoints.save,
            )  # fmt: skip
            break
        except TrainingStateError:
            if state is None:
                raise
            state = None  # a checkpoint that does not fit was not left by this work
    notes = {
        "epochs": settings.epochs, "n_words_trained": model.n_words_trained, "n_tokens_trained": training.token_ids.size * settings.epochs,
        "losses": list(model.losses), "loss_is": "mean over pairs, nats",
        "n_tokens_resumed": int(sum(epoch[3] for epoch in state.notes["epochs"])) if state is not None else 0,
    }  # fmt: skip
    tensors = {"vectors": model.vectors, "output_vectors": model.output_vectors}
    return Learned(
        model.token_ids, model.counts, model.vectors, tensors, _losses(model, encoded), notes, settings.min_count
    )


def _learn_glove(encoded: EncodedCorpus, corpus: LanguageCorpus) -> Learned:
    training, settings = encoded.training, corpus.settings.for_glove()
    n_tokens = training.token_ids.size
    tell = reporter(corpus.lang, settings.epochs * n_tokens)
    model = train_glove(
        training.token_ids,
        training.sentence_starts,
        encoded.counts,
        settings,
        lambda epoch, loss: tell((epoch + 1) * n_tokens, loss),
    )
    notes = {
        "epochs": settings.epochs, "n_entries": model.n_entries, "n_tokens_trained": n_tokens * settings.epochs,
        "losses": list(model.losses), "loss_is": "mean of f(X) e^2 over entries",
    }  # fmt: skip
    scores = [Score("loss_per_entry", "training", model.losses[-1], "first_epoch", model.losses[0])]
    return Learned(
        model.token_ids, model.counts, model.vectors, {"vectors": model.vectors}, scores, notes, settings.min_count
    )


def _losses(model: Word2Vec, encoded: EncodedCorpus) -> list[Score]:
    """Loss a pair: of the last epoch beside that of an untrained model, and on held-out sentences beside that of frequencies alone."""
    scores = [Score("loss_per_pair", "training", model.losses[-1], "untrained", untrained_loss(model))]
    text = encoded.held_out
    if text.token_ids.size:
        loss = held_out_loss(model, text.token_ids, text.sentence_starts)
        if np.isfinite(loss):
            unigram = unigram_loss(model, text.token_ids, text.sentence_starts)
            scores.append(Score(*HELD_OUT_LOSS, loss, "word_frequencies", unigram))
    return scores


def _warm_start(lake: Lake, start: Start, vocabulary: pa.Array, *, has_outputs: bool) -> WarmStart:
    """The earlier model's vectors for the words of the vocabulary that it knew."""
    terms, vectors, outputs = read_start(lake, start)
    rows = pc.fill_null(pc.index_in(vocabulary, pa.array(terms, pa.string())), -1).to_numpy(zero_copy_only=False)
    return WarmStart(rows, vectors, outputs if has_outputs else None)


def _keep(lake: Lake, corpus: LanguageCorpus, learned: Learned, terms: pa.Array, seconds: float) -> tuple[FileRef, ...]:
    """The files of the model: weights, card, and its rows of `models`, `scores` and `word_vectors`."""
    settings = corpus.settings
    words = terms.to_pylist()
    known = WordVectors(corpus.lang, settings.column, tuple(words), learned.vectors)
    tests = [score_on(known, test) for test in read_word_tests(lake, corpus.tests, corpus.lang)]
    notes = {
        **learned.notes, "n_tokens": sum(ref.n_rows for ref in corpus.files), "n_words": len(words), "seconds": round(seconds, 3),
        "tokens_per_second": round(learned.notes["n_tokens_trained"] / max(seconds, 1e-9)),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # of the whole process; Linux counts in KiB
        "unknown_words": {result.name: list(result.unknown_words) for result in tests},
        "started_from": None if corpus.start is None else {"model_id": corpus.start.model_id, "path": corpus.start.path},
    }  # fmt: skip
    tensors = {**learned.tensors, "words_utf8": np.frombuffer("\n".join(words).encode(), np.uint8)}
    kind = GLOVE if settings.model == GLOVE else WORD2VEC
    kept = TrainedModel(
        kind, corpus.lang, settings.seed, settings.deciding(), corpus.snapshot_id, tuple(ref.sha256 for ref in corpus.files), tensors,
        [*learned.scores, *(score for result in tests for score in scores_of(result))], notes,
    )  # fmt: skip
    vectors = pa.table(
        {
            "model_id": pa.repeat(kept.model_id, len(terms)), "lang": pa.repeat(corpus.lang, len(terms)), "term": terms,
            "n_occurrences": learned.counts, "vector": _vector_lists(learned.vectors),
        }
    )  # fmt: skip
    return write_table(lake, "word_vectors", vectors), *write_model(lake, kept)


def _skipped(
    lake: Lake,
    corpus: LanguageCorpus,
    n_tokens: int,
    rule: str,
    *,
    score: float | None = None,
    threshold: float | None = None,
) -> StepOutput:
    line = write_skip(lake, vector_step(corpus.settings), corpus.lang, rule, score=score, threshold=threshold)
    return StepOutput((line,), n_tokens, 0, {"language_left_out": n_tokens})


def _vector_lists(vectors: np.ndarray) -> pa.ListArray:
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(vectors).reshape(-1))
