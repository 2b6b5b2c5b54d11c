"""The stage `embeddings`: word vectors of each language, learned from the published tokens.

First every file of tokens is split by language, then a model is trained on each language's files. So a document that is added in one
language costs the others nothing. Files are read in the order of their first documents, whatever the order in which they came.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task

from models.word2vec import NothingToLearnError, Progress, Word2Vec, Word2VecSettings, train_word2vec
from models.word2vec_loss import held_out_loss, unigram_loss, untrained_loss
from tasks.decisions import write_skip
from tasks.embedding_corpus import EncodedCorpus, encoded_corpus
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.steps import PlannedWork, Step, StepOutput, StepRecord, Work, do, find_record, settings_of, why_due
from tasks.model_store import MODEL_FILES, Score, TrainedModel, write_model
from tasks.transforms.word_sequences import SEQUENCE_SCHEMA, split_by_language

STAGE = "embeddings"
CORPUS = "corpus_"  # and the language: the working tables that hold SEQUENCE_SCHEMA
WITHOUT_LANGUAGE = "document_not_published"
UNKNOWN_LANGUAGE = "und"
TIMEOUT_S = 24 * 3600
SECONDS_BETWEEN_REPORTS = 10.0  # our choice


@dataclass(frozen=True)
class EmbeddingSettings:
    """What to learn from, and how.

    column: the form of a token that is a word here. fewest_tokens: languages with less are left out. held_out_share: of the sentences,
    not learned from, to measure on. tokens_at_least: a small corpus is passed over as often as it takes to read so many, at most
    `most_epochs` times, and `word2vec.epochs` times at least. threads: for a language, in the place of `word2vec.workers`; 0 = the
    processor's cores shared between the languages that are due. Results do not depend on it.
    """

    column: Literal["token", "norm", "stem", "lemma"] = "norm"
    fewest_tokens: int = 2_000
    held_out_share: float = 0.05
    tokens_at_least: int = 2_000_000
    most_epochs: int = 30  # on the samples (10,000 tokens a language) unseen text is predicted best after some 30, worse after 50
    threads: int = 0
    word2vec: Word2VecSettings = field(default_factory=Word2VecSettings)

    def for_corpus(self, n_tokens: int) -> Word2VecSettings:
        """The settings with which a corpus of n_tokens is trained."""
        enough = min(-(-self.tokens_at_least // max(n_tokens, 1)), self.most_epochs)
        return replace(self.word2vec, epochs=max(self.word2vec.epochs, enough), workers=max(self.threads, 1))


@dataclass(frozen=True)
class TokensPart:
    """What `write_corpus` reads: a file of tokens, the documents' languages, and the column that is wanted."""

    tokens: FileRef
    documents: tuple[FileRef, ...]
    column: str


@dataclass(frozen=True)
class LanguageCorpus:
    """What `train_vectors` reads: a language's files in reading order; and the snapshot from which they were made."""

    lang: str
    files: tuple[FileRef, ...]
    snapshot_id: str
    settings: EmbeddingSettings


def corpus_works(lake: Lake, settings: EmbeddingSettings | None = None) -> list[Work]:
    """One work for each published file of tokens, by their first documents; none where nothing is published.

    A file's inputs are its bytes and the languages of the documents that lie between its first and its last.
    """
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    documents = manifest.tables["documents"]
    languages = read_table(lake, documents, ["doc_id", "lang"]).sort_by("doc_id")
    step = _corpus_step(settings or EmbeddingSettings())
    works = []
    for ref in manifest.tables["tokens"]:
        if ref.n_rows:
            first, last = _document_range(lake, ref)
            between = pc.and_(pc.greater_equal(languages["doc_id"], first), pc.less_equal(languages["doc_id"], last))
            digest = hashlib.sha256(canonical_json(languages.filter(between).to_pydict())).hexdigest()
            part = TokensPart(ref, documents, step.settings["column"])
            works.append(Work(step, f"tokens from {first}", (ref.sha256, digest), part))
    return sorted(works, key=lambda work: (work.subject, work.inputs))


def vector_works(lake: Lake, parts: Sequence[StepRecord], settings: EmbeddingSettings | None = None) -> list[Work]:
    """One work for each language in what `write_corpus` left of all `parts`, by language."""
    settings = settings or EmbeddingSettings()
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    by_lang: dict[str, list[FileRef]] = {}
    for ref in (ref for part in parts for ref in part.files if ref.table.startswith(CORPUS)):
        by_lang.setdefault(ref.table.removeprefix(CORPUS), []).append(ref)
    works = [_vector_work(lang, tuple(files), manifest.snapshot_id, settings) for lang, files in sorted(by_lang.items())]
    if settings.threads:
        return works
    n_due = sum(find_record(lake, work) is None for work in works)
    threads = max(1, (os.cpu_count() or 1) // max(n_due, 1))
    return [replace(work, payload=replace(work.payload, settings=replace(settings, threads=threads))) for work in works]


def plan_embeddings(lake: Lake, settings: EmbeddingSettings | None = None) -> list[PlannedWork]:
    """What `train_embeddings` would do on the present snapshot, and why."""
    works = corpus_works(lake, settings)
    lines = _due(lake, works)
    if lines:
        return [*lines, PlannedWork(STAGE, "train_vectors", "all", f"hangs on {works[0].step.name}")]
    return _due(lake, vector_works(lake, [record for work in works if (record := find_record(lake, work))], settings))


@task(task_run_name="write_corpus {work.subject}", timeout_seconds=TIMEOUT_S)
def write_corpus(home: str, work: Work) -> StepRecord:
    """The record of a file of tokens split by language."""
    return do(Lake(Path(home)), work, write_corpus_body)


@task(task_run_name="train_vectors {work.subject}", timeout_seconds=TIMEOUT_S)
def train_vectors(home: str, work: Work) -> StepRecord:
    """The record of a language's model."""
    return do(Lake(Path(home)), work, train_vectors_body)


def write_corpus_body(lake: Lake, part: TokensPart) -> StepOutput:
    """Leave the words of each language of a file of tokens, in reading order. Rows are tokens."""
    tokens = read_table(lake, part.tokens, ["doc_id", "sentence", part.column]).rename_columns(["doc_id", "sentence", "word"])
    by_lang, n_without = split_by_language(tokens, read_table(lake, part.documents, ["doc_id", "lang"]))
    files = tuple(write_table(lake, CORPUS + lang, rows, schema=SEQUENCE_SCHEMA) for lang, rows in sorted(by_lang.items()))
    return StepOutput(files, tokens.num_rows, tokens.num_rows - n_without, {WITHOUT_LANGUAGE: n_without} if n_without else {})


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
    with encoded_corpus(lake, corpus.files, settings.held_out_share, settings.word2vec.seed) as encoded:
        training, began = encoded.training, time.perf_counter()
        try:
            model = train_word2vec(
                training.token_ids,
                training.sentence_starts,
                encoded.counts,
                settings.for_corpus(training.token_ids.size),
                _reporter(corpus.lang),
            )
        except NothingToLearnError as error:
            return _skipped(lake, corpus, n_tokens, error.rule)
        seconds = time.perf_counter() - began
        scores = _scores(model, encoded)
        terms = encoded.vocabulary.take(pa.array(model.token_ids))
    kept = _trained(model, corpus, scores, terms, _notes(model, n_tokens, seconds))
    vectors = pa.table(
        {
            "model_id": pa.repeat(kept.model_id, len(terms)), "lang": pa.repeat(corpus.lang, len(terms)), "term": terms,
            "n_occurrences": model.counts, "vector": _vector_lists(model.vectors),
        }
    )  # fmt: skip
    files = (write_table(lake, "word_vectors", vectors), *write_model(lake, kept))
    n_learned, n_held_out = int(model.counts.sum()), encoded.held_out.token_ids.size
    set_aside = {"held_out": n_held_out, f"fewer_than_{model.settings.min_count}_occurrences": n_tokens - n_held_out - n_learned}
    return StepOutput(files, n_tokens, n_learned, {rule: n for rule, n in set_aside.items() if n})


def loss_curves(lake: Lake, records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each language that has a model the loss of every epoch, and how fast it was learned."""
    rows = []
    for ref in (ref for record in records for ref in record.files if ref.table == MODEL_FILES and ref.path.endswith("card.json")):
        card = json.loads(lake.locate(ref.path).read_bytes())
        rows += [
            {"language": card["lang"], "epoch": epoch, "loss a pair": round(loss, 4), "tokens/s": card["notes"]["tokens_per_second"]}
            for epoch, loss in enumerate(card["notes"]["losses"], 1)
        ]
    return rows


def _vector_work(lang: str, files: tuple[FileRef, ...], snapshot_id: str, settings: EmbeddingSettings) -> Work:
    return Work(_vector_step(settings), lang, tuple(ref.sha256 for ref in files), LanguageCorpus(lang, files, snapshot_id, settings))


def _corpus_step(settings: EmbeddingSettings) -> Step:
    return Step("write_corpus", ("tasks.transforms.word_sequences",), {"column": settings.column})


def _vector_step(settings: EmbeddingSettings) -> Step:
    modules = ("models.word2vec", "models.word2vec_loss", "tasks.transforms.word_sequences")
    return Step("train_vectors", modules, _deciding(settings))


def _deciding(settings: EmbeddingSettings) -> dict[str, Any]:
    """The settings on which results depend."""
    return settings_of(replace(settings, threads=0, word2vec=replace(settings.word2vec, workers=1)))


def _due(lake: Lake, works: Sequence[Work]) -> list[PlannedWork]:
    reasons = [(work, why_due(lake, work)) for work in works]
    return [PlannedWork(STAGE, work.step.name, work.subject, reason) for work, reason in reasons if reason is not None]


def _document_range(lake: Lake, ref: FileRef) -> tuple[str, str]:
    """The first and the last document of a file of tokens, from the Parquet file's own statistics."""
    metadata = pq.read_metadata(lake.locate(ref.path))
    column = metadata.schema.names.index("doc_id")
    groups = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return min(group.min for group in groups), max(group.max for group in groups)


def _skipped(
    lake: Lake, corpus: LanguageCorpus, n_tokens: int, rule: str, *, score: float | None = None, threshold: float | None = None
) -> StepOutput:
    line = write_skip(lake, _vector_step(corpus.settings), corpus.lang, rule, score=score, threshold=threshold)
    return StepOutput((line,), n_tokens, 0, {"language_left_out": n_tokens})


def _scores(model: Word2Vec, encoded: EncodedCorpus) -> list[Score]:
    """Loss a pair: of the last epoch beside that of an untrained model, and on held-out sentences beside that of frequencies alone."""
    scores = [Score("loss_per_pair", "training", model.losses[-1], "untrained", untrained_loss(model))]
    text = encoded.held_out
    if text.token_ids.size:
        loss = held_out_loss(model, text.token_ids, text.sentence_starts)
        if np.isfinite(loss):
            unigram = unigram_loss(model, text.token_ids, text.sentence_starts)
            scores.append(Score("loss_per_pair", "held_out", loss, "word_frequencies", unigram))
    return scores


def _notes(model: Word2Vec, n_tokens: int, seconds: float) -> dict[str, Any]:
    return {
        "losses": list(model.losses), "n_tokens": n_tokens, "n_words": len(model.counts), "epochs": model.settings.epochs,
        "n_words_trained": model.n_words_trained, "seconds": round(seconds, 3),
        "tokens_per_second": round(n_tokens * model.settings.epochs / seconds),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # of the whole process; Linux counts in KiB
    }  # fmt: skip


def _trained(model: Word2Vec, corpus: LanguageCorpus, scores: list[Score], terms: pa.Array, notes: dict[str, Any]) -> TrainedModel:
    words = "\n".join(terms.to_pylist()).encode()
    tensors = {"vectors": model.vectors, "output_vectors": model.output_vectors, "words_utf8": np.frombuffer(words, np.uint8)}
    settings = _deciding(corpus.settings)
    inputs = tuple(ref.sha256 for ref in corpus.files)
    return TrainedModel("word2vec", corpus.lang, model.settings.seed, settings, corpus.snapshot_id, inputs, tensors, scores, notes)


def _vector_lists(vectors: np.ndarray) -> pa.ListArray:
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, vectors.reshape(-1))


def _reporter(lang: str) -> Callable[[Progress], None]:
    """A listener that logs progress now and then: share, loss, speed, time to go."""
    log = logging.getLogger(__name__)
    began = last = time.perf_counter()

    def report(progress: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last < SECONDS_BETWEEN_REPORTS:
            return
        last = now
        speed = progress.n_tokens_done / (now - began)
        to_go = (progress.n_tokens_in_all - progress.n_tokens_done) / speed
        log.info(
            "%s: %.0f %% read, loss %.4f a pair, %.2f M tokens/s, %.0f s to go",
            lang, 100 * progress.n_tokens_done / progress.n_tokens_in_all, progress.loss, speed / 1e6, to_go,
        )  # fmt: skip

    return report
