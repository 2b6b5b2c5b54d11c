"""The training of one language's word vectors: from its corpus to a kept model, resumed where it was killed."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from dataclasses import replace
from types import FunctionType
from typing import cast

import numpy as np
import pyarrow as pa

from models.embeddings.word2vec import NothingToLearnError
from tasks.embeddings.data import CORPUS, LanguageCorpus, encoded_corpus
from tasks.embeddings.learning import Learned, learn_glove, learn_word2vec
from tasks.embeddings.scoring import WordVectors, read_word_tests, score_on, scores_of
from tasks.embeddings.settings import GLOVE, EmbeddingSettings
from tasks.embeddings.start import find_start, is_there
from tasks.lake.checkpoints import Checkpoints
from tasks.lake.decisions import write_skip
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import DAY_S, Batch, Step, StepOutput, StepRecord, current_task, find_record
from tasks.learning.champions import OF_A_MODEL
from tasks.learning.model_store import TrainedModel, write_model

UNKNOWN_LANGUAGE = "und"


def training_batches(
    lake: Lake,
    write_corpus: Sequence[StepRecord],
    published_word_tests: tuple[FileRef, ...],
    snapshot_id: str,
    settings: EmbeddingSettings,
) -> list[Batch]:
    """One training for each language that `write_corpus` found, by language; those due share the processor's cores."""
    by_lang: dict[str, list[FileRef]] = {}
    for ref in (ref for record in write_corpus for ref in record.files if ref.table.startswith(CORPUS)):
        by_lang.setdefault(ref.table.removeprefix(CORPUS), []).append(ref)
    learn = learn_glove if settings.model == GLOVE else learn_word2vec
    batches = []
    for lang, files in sorted(by_lang.items()):
        corpus = LanguageCorpus(
            lang=lang,
            files=tuple(files),
            tests=published_word_tests,
            snapshot_id=snapshot_id,
            settings=settings,
            learn=learn,
        )
        batches.append(_batch(lake, corpus))
    n_due = sum(_is_due(lake, batch) for batch in batches)
    threads = settings.threads or max(1, (os.cpu_count() or 1) // max(n_due, 1))
    shared = replace(settings, threads=threads)
    return [replace(batch, payload=replace(batch.payload, settings=shared)) for batch in batches]


def train(lake: Lake, corpus: LanguageCorpus) -> StepOutput:
    """Leave a language's model, scores and `word_vectors`. Rows are tokens; rare and held-out ones are set aside.

    From too small a corpus nothing is trained, and the ledger says so.
    """
    settings, n_tokens = corpus.settings, corpus.n_tokens
    if corpus.lang == UNKNOWN_LANGUAGE:
        return _skipped(corpus, write_skip(lake, corpus.lang, "language_unknown"))
    if n_tokens < settings.fewest_tokens:
        rule, fewest = f"fewer_than_{settings.fewest_tokens}_tokens", float(settings.fewest_tokens)
        return _skipped(corpus, write_skip(lake, corpus.lang, rule, score=float(n_tokens), threshold=fewest))
    checkpoints = Checkpoints(lake, current_task().fingerprint, settings.checkpoint_every_s)
    with encoded_corpus(lake, corpus.files, settings.held_out_share, settings.seed) as encoded:
        try:
            learned: Learned = corpus.learn(lake, corpus, encoded, checkpoints)
        except NothingToLearnError as error:
            checkpoints.remove()
            return _skipped(corpus, write_skip(lake, corpus.lang, error.rule))
        terms, n_held_out = encoded.vocabulary.take(pa.array(learned.token_ids)), encoded.held_out.token_ids.size
    files = _keep(lake, corpus, learned, terms, checkpoints.seconds)
    checkpoints.remove()
    n_learned = int(learned.counts.sum())
    rare = f"fewer_than_{learned.min_count}_occurrences"
    set_aside = {"held_out": n_held_out, rare: n_tokens - n_held_out - n_learned}
    return StepOutput(files, n_tokens, n_learned, {rule: n for rule, n in set_aside.items() if n})


TRAIN_VECTORS = Step("train_vectors", train, training_batches, hands_over=OF_A_MODEL, timeout_s=DAY_S)


def _batch(lake: Lake, corpus: LanguageCorpus) -> Batch:
    """The training on a corpus: it reads its files, and the model that it starts from, if any.

    Where the weights of that model are gone it starts from none, unless it was done while they were there.
    """
    calls = (cast("FunctionType", corpus.learn),)
    cold = Batch(corpus.lang, corpus.inputs, corpus, corpus.settings.deciding(), calls)
    start = find_start(lake, corpus.lang, corpus.inputs, corpus.settings)
    if start is None:
        return cold
    warm = replace(cold, inputs=(*corpus.inputs, start.model_id), payload=replace(corpus, start=start))
    return warm if is_there(lake, start) or not _is_due(lake, warm) else cold


def _is_due(lake: Lake, batch: Batch) -> bool:
    return find_record(lake, TRAIN_VECTORS.task(batch)) is None


def _keep(lake: Lake, corpus: LanguageCorpus, learned: Learned, terms: pa.Array, seconds: float) -> tuple[FileRef, ...]:
    """The files of the model: weights, card, and its rows of `models`, `scores` and `word_vectors`."""
    settings, start = corpus.settings, corpus.start
    words = terms.to_pylist()
    known = WordVectors(corpus.lang, settings.column, tuple(words), learned.vectors)
    tests = [score_on(known, test) for test in read_word_tests(lake, corpus.tests, corpus.lang)]
    notes = {
        **learned.notes,
        "n_tokens": corpus.n_tokens,
        "n_words": len(words),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(learned.notes["n_tokens_trained"] / max(seconds, 1e-9)),
        # Of the whole process; Linux counts in KiB.
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "unknown_words": {result.name: list(result.unknown_words) for result in tests},
        "started_from": None if start is None else {"model_id": start.model_id, "path": start.path},
    }
    model = TrainedModel(
        kind=settings.model,
        lang=corpus.lang,
        seed=settings.seed,
        settings=settings.deciding(),
        snapshot_id=corpus.snapshot_id,
        inputs=corpus.inputs,
        tensors={**learned.tensors, "words_utf8": np.frombuffer("\n".join(words).encode(), np.uint8)},
        scores=[*learned.scores, *(score for result in tests for score in scores_of(result))],
        notes=notes,
    )
    vectors = pa.table(
        {
            "model_id": pa.repeat(model.model_id, len(terms)),
            "lang": pa.repeat(corpus.lang, len(terms)),
            "term": terms,
            "n_occurrences": learned.counts,
            "vector": _vector_lists(learned.vectors),
        }
    )
    return write_table(lake, "word_vectors", vectors), *write_model(lake, model)


def _skipped(corpus: LanguageCorpus, ledger: tuple[FileRef, ...]) -> StepOutput:
    return StepOutput(ledger, corpus.n_tokens, 0, {"language_left_out": corpus.n_tokens})


def _vector_lists(vectors: np.ndarray) -> pa.ListArray:
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(vectors).reshape(-1))
