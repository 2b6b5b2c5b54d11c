"""The stage `embeddings`: word vectors of each language, learned from the published tokens.

First every file of tokens is split by language, then a model is trained on each language's files. So a document that is added in one
language costs the others nothing. Files are read in the order of their first documents, whatever the order in which they came.
Each new model is judged beside the published one, and the winner is measured on the word tests of today.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectException

from tasks.embeddings.comparing import KINDS, STEP_NAME, judge_vectors_body
from tasks.embeddings.scoring import MODULES, score_vectors_body, score_works, word_test_results
from tasks.embeddings.settings import EmbeddingSettings
from tasks.embeddings.start import find_start, is_there
from tasks.embeddings.training import LanguageCorpus, train_vectors_body, vector_step
from tasks.embeddings.word_map import map_words_body, map_works
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import PlannedWork, Step, StepOutput, StepRecord, Work, do, find_record, find_records, plan_due
from tasks.learning.champions import judge_works
from tasks.learning.embedding_progress import TrainingProgress, tell_training
from tasks.learning.model_store import MODEL_FILES
from tasks.running.artifacts import show_table
from tasks.transforms.text.word_sequences import SEQUENCE_SCHEMA, split_by_language

STAGE = "embeddings"
CORPUS = "corpus_"  # and the language: the working tables that hold SEQUENCE_SCHEMA
WITHOUT_LANGUAGE = "document_not_published"
TIMEOUT_S = 24 * 3600
AFTER = ("score_vectors", "map_words")  # what is made of the winners
MOST_NAMED = 30  # unknown words of a test shown in the UI; the card names all


@dataclass(frozen=True)
class TokensPart:
    """What `write_corpus` reads: a file of tokens, the documents' languages, and the column that is wanted."""

    tokens: FileRef
    documents: tuple[FileRef, ...]
    column: str


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
    works = [_vector_work(lake, manifest, lang, tuple(files), settings) for lang, files in sorted(by_lang.items())]
    if settings.threads:
        return works
    n_due = sum(find_record(lake, work) is None for work in works)
    threads = max(1, (os.cpu_count() or 1) // max(n_due, 1))
    return [replace(work, payload=replace(work.payload, settings=replace(settings, threads=threads))) for work in works]


def judgement_works(
    lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord], settings: EmbeddingSettings
) -> list[Work]:
    """One judgement for each model that `trained`, the records of `works`, left."""
    return judge_works(
        lake, works, trained, STEP_NAME, MODULES, kinds=KINDS, same=("column",), tolerance=settings.tolerance
    )


def measurement_works(lake: Lake, judged: Sequence[StepRecord]) -> list[Work]:
    """One measurement for each champion that the judgements left, on the word tests that are published."""
    manifest = read_manifest(lake)
    return [] if manifest is None else score_works(lake, judged, manifest.tables["word_tests"])


def plan_embeddings(lake: Lake, settings: EmbeddingSettings | None = None) -> list[PlannedWork]:
    """What `train_embeddings` would do on the present snapshot, and why."""
    settings = settings or EmbeddingSettings()
    works = corpus_works(lake, settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *_hanging(works[0].step.name, "train_vectors", STEP_NAME, *AFTER)]
    works = vector_works(lake, find_records(lake, works), settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *_hanging("train_vectors", STEP_NAME, *AFTER)]
    works = judgement_works(lake, works, find_records(lake, works), settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *_hanging(STEP_NAME, *AFTER)]
    judged = find_records(lake, works)
    return plan_due(lake, STAGE, [*measurement_works(lake, judged), *map_works(lake, judged)])


@task(task_run_name="write_corpus {work.subject}", timeout_seconds=TIMEOUT_S)
def write_corpus(home: str, work: Work) -> StepRecord:
    """The record of a file of tokens split by language."""
    return do(Lake(Path(home)), work, write_corpus_body)


@task(task_run_name="train_vectors {work.subject}", timeout_seconds=TIMEOUT_S)
def train_vectors(home: str, work: Work) -> StepRecord:
    """The record of a language's model."""
    with _show_training(work.subject):
        return do(Lake(Path(home)), work, train_vectors_body)


@task(task_run_name="judge_vectors {work.subject}", timeout_seconds=TIMEOUT_S)
def judge_vectors(home: str, work: Work) -> StepRecord:
    """The record of a new model's judgement."""
    return do(Lake(Path(home)), work, judge_vectors_body)


@task(task_run_name="score_vectors {work.subject}", timeout_seconds=TIMEOUT_S)
def score_vectors(home: str, work: Work) -> StepRecord:
    """The record of a champion's scores."""
    return do(Lake(Path(home)), work, score_vectors_body)


@task(task_run_name="map_words {work.subject}", timeout_seconds=TIMEOUT_S)
def map_words(home: str, work: Work) -> StepRecord:
    """The record of a champion's map of words."""
    return do(Lake(Path(home)), work, map_words_body)


def write_corpus_body(lake: Lake, part: TokensPart) -> StepOutput:
    """Leave the words of each language of a file of tokens, in reading order. Rows are tokens."""
    tokens = read_table(lake, part.tokens, ["doc_id", "sentence", part.column]).rename_columns(
        ["doc_id", "sentence", "word"]
    )
    by_lang, n_without = split_by_language(tokens, read_table(lake, part.documents, ["doc_id", "lang"]))
    files = tuple(
        write_table(lake, CORPUS + lang, rows, schema=SEQUENCE_SCHEMA) for lang, rows in sorted(by_lang.items())
    )
    return StepOutput(
        files, tokens.num_rows, tokens.num_rows - n_without, {WITHOUT_LANGUAGE: n_without} if n_without else {}
    )


def loss_curves(lake: Lake, records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each language that has a model the loss of every epoch, and how fast it was learned."""
    rows = []
    for ref in (
        ref for record in records for ref in record.files if ref.table == MODEL_FILES and ref.path.endswith("card.json")
    ):
        card = json.loads(lake.locate(ref.path).read_bytes())
        rows += [
            {
                "language": card["lang"],
                "epoch": epoch,
                "loss": round(loss, 4),
                "tokens/s": card["notes"]["tokens_per_second"],
            }
            for epoch, loss in enumerate(card["notes"]["losses"], 1)
        ]
    return rows


def show_tests(lake: Lake, scored: Sequence[StepRecord]) -> None:
    """Show for every champion and word test what was measured, and which words it does not know, in the UI of the run that calls."""
    rows = [
        {
            "language": row["lang"], "test": row["test"], "section": row.get("section"), "metric": row["metric"], "value": row["value"], "questions": row["n_questions"],
            "known": row["n_known"], "unknown words": _named(row["unknown_words"]),
        }
        for row in word_test_results(lake, scored)
    ]  # fmt: skip
    show_table(
        "word-tests-embeddings",
        rows,
        "Published word vectors on the word tests; questions with an unknown word are left out",
    )


def _named(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return ", ".join(words[:MOST_NAMED]) + more


def _vector_work(
    lake: Lake, manifest: Manifest, lang: str, files: tuple[FileRef, ...], settings: EmbeddingSettings
) -> Work:
    """The training of a language. Its inputs are the bytes of its files, and the name of the model that it starts from, if any."""
    start = find_start(lake, manifest, lang, files, settings)
    corpus = LanguageCorpus(lang, files, manifest.snapshot_id, settings, manifest.tables["word_tests"], start)
    inputs = tuple(ref.sha256 for ref in files)
    work = Work(vector_step(settings), lang, (*inputs, start.model_id) if start is not None else inputs)
    if start is not None and find_record(lake, work) is None and not is_there(lake, start):
        work, corpus = replace(work, inputs=inputs), replace(corpus, start=None)
    return replace(work, payload=replace(corpus, checkpoint=work.fingerprint))


def _corpus_step(settings: EmbeddingSettings) -> Step:
    return Step("write_corpus", ("tasks.transforms.text.word_sequences",), {"column": settings.column})


def _hanging(on: str, *steps: str) -> list[PlannedWork]:
    """Each of the steps hangs on the one before; those AFTER the judgement hang on that."""
    before = (on, *steps)
    return [
        PlannedWork(STAGE, step, "all", f"hangs on {STEP_NAME if step in AFTER else before[place]}")
        for place, step in enumerate(steps)
    ]


def _document_range(lake: Lake, ref: FileRef) -> tuple[str, str]:
    """The first and the last document of a file of tokens, from the Parquet file's own statistics."""
    metadata = pq.read_metadata(lake.locate(ref.path))
    column = metadata.schema.names.index("doc_id")
    groups = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return min(group.min for group in groups), max(group.max for group in groups)


@contextmanager
def _show_training(lang: str) -> Iterator[None]:
    """Within, a training that takes long shows its progress in the UI, and in the log of the task run."""
    log = get_run_logger()
    shown: list[UUID] = []

    def show(progress: TrainingProgress) -> None:
        log.info("%s", progress)
        with suppress(httpx.HTTPError, PrefectException):  # no training fails because a picture of it cannot be drawn
            if shown:
                update_progress_artifact(shown[0], 100 * progress.share, description=str(progress))
            else:
                key = f"training-{lang}"
                shown.append(
                    cast(UUID, create_progress_artifact(100 * progress.share, key=key, description=str(progress)))
                )

    with tell_training(show):
        yield
        with suppress(httpx.HTTPError, PrefectException):
            if shown:
                update_progress_artifact(shown[0], 100.0)
