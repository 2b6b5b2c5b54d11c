"""Labels in the stage `lstm`: every labelled source teaches four classifiers, and the best of them labels the documents it has not seen.

Learned from is the published snapshot; only word vectors are read from what `train_embeddings` last left, because in a run it comes
between the two publishes: so the run after a run finds the same vectors, and has nothing to do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from tasks.labels.applying import JUDGING_MODULES, judge_classifier_body, predict_labels_body, prediction_works
from tasks.labels.data import LabelledSource
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import described_documents, documents_of_files
from tasks.labels.training import fit_classifiers_body, training_step
from tasks.lake.files import FileRef, canonical_json, read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.stages import read_stage
from tasks.lake.steps import PlannedWork, StepRecord, Work, do, find_records, plan_due, plan_hanging
from tasks.learning.champions import judge_works
from tasks.learning.model_store import read_model
from tasks.learning.training_progress import artifact_key
from tasks.running.artifacts import show_table

STAGE = "lstm"
KINDS = (
    "label_majority",
    "label_neighbours",
    "label_logistic",
    "label_lstm",
)  # those of models.labels.storage, which loads PyTorch
NOTHING_LABELLED = "labelled documents"
TIMEOUT_S = 24 * 3600
N_CONFUSIONS = 30  # our choice: what a screen shows


def classifier_works(lake: Lake, settings: ClassificationSettings | None = None) -> list[Work]:
    """One training for each source with labelled documents on the present snapshot; none where nothing is published yet.

    Where no document is labelled there is one work, which says so in the ledger. A document without a label changes none of them.
    """
    settings = settings or ClassificationSettings()
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    step, tables = training_step(settings), manifest.tables
    documents = described_documents(lake, tables["documents"], tables["labels"])
    labelled = documents.filter(pc.is_valid(documents["label"]))
    if not labelled.num_rows:
        nothing = LabelledSource(
            NOTHING_LABELLED, "und", tables["documents"], tables["labels"], (), (), manifest.snapshot_id, settings
        )  # fmt: skip
        return [Work(step, NOTHING_LABELLED, (), nothing)]
    of_files = documents_of_files(lake, tables["tokens"])
    sources_of = {
        ref: set(read_table(lake, ref, ["source"])["source"].unique().to_pylist()) for ref in tables["documents"]
    }
    works = []
    for source in sorted(labelled["source"].unique().to_pylist()):
        rows = labelled.filter(pc.equal(labelled["source"], source))
        lang = _most_frequent(rows["lang"])
        tokens = tuple(
            ref
            for ref, inside in of_files.items()
            if pc.any(pc.is_in(inside, value_set=rows["doc_id"].combine_chunks())).as_py()
        )
        part = LabelledSource(
            source, lang, tuple(ref for ref, sources in sources_of.items() if source in sources), tables["labels"], tokens,
            _word_vectors(lake, lang), manifest.snapshot_id, settings,
        )  # fmt: skip
        digest = hashlib.sha256(
            canonical_json(rows.select(["doc_id", "content_sha256", "label"]).to_pydict())
        ).hexdigest()
        inputs = (digest, lang, *sorted(ref.sha256 for ref in tokens), *sorted(ref.sha256 for ref in part.word_vectors))
        work = Work(step, source, inputs, part)
        works.append(replace(work, payload=replace(part, checkpoint=work.fingerprint)))
    return works


def judge_classifier_works(lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord]) -> list[Work]:
    """One judgement for each training of `works` that left classifiers, beside the champion of the same source and language, of any kind."""
    tolerance = works[0].payload.settings.tolerance if works else 0.0
    return judge_works(
        lake, works, trained, "judge_classifier", JUDGING_MODULES, kinds=KINDS, same=("source",), tolerance=tolerance
    )  # fmt: skip


def plan_classification(lake: Lake, settings: ClassificationSettings | None = None) -> list[PlannedWork]:
    """What `train_lstm` would do about labels on the present snapshot, and why; what hangs on due work is one line a step."""
    settings = settings or ClassificationSettings()
    works = classifier_works(lake, settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *plan_hanging(STAGE, works[0].step.name, "judge_classifier", "predict_labels")]
    trained = find_records(lake, works)
    contests = judge_classifier_works(lake, works, trained)
    lines = plan_due(lake, STAGE, contests)
    if lines:
        return [*lines, *plan_hanging(STAGE, "judge_classifier", "predict_labels")]
    judged = find_records(lake, contests)
    return plan_due(lake, STAGE, prediction_works(lake, judged, settings))


@task(task_run_name="fit_classifiers {work.subject}", timeout_seconds=TIMEOUT_S)
def fit_classifiers(home: str, work: Work) -> StepRecord:
    """The record of a source's training."""
    return do(Lake(Path(home)), work, fit_classifiers_body)


@task(task_run_name="judge_classifier {work.subject}", timeout_seconds=TIMEOUT_S)
def judge_classifier(home: str, work: Work) -> StepRecord:
    """The record of a verdict."""
    return do(Lake(Path(home)), work, judge_classifier_body)


@task(task_run_name="predict_labels {work.subject}", timeout_seconds=TIMEOUT_S)
def predict_labels(home: str, work: Work) -> StepRecord:
    """The record of a champion's labels for the documents of a file."""
    return do(Lake(Path(home)), work, predict_labels_body)


def show_classifiers(lake: Lake, trained: Sequence[StepRecord]) -> None:
    """Show for each source the classifiers side by side, the course of the LSTM's training, and what its champion takes for what."""
    for record in trained:
        rows = [row for ref in record.files_of("models") for row in read_table(lake, ref).to_pylist()]
        cards = {row["model_id"]: read_model(lake, row["model_id"])[1] for row in rows}
        key = artifact_key(record.subject)
        show_table(
            f"labels-{key}",
            [_contest_row(row, cards[row["model_id"]]) for row in rows],
            f"Classifiers of {record.subject}, held-out documents",
        )
        for row in rows:
            notes = cards[row["model_id"]]["notes"]
            if "history" in notes:
                show_table(
                    f"labels-{key}-epochs",
                    curve_rows(notes),
                    f"Training of the LSTM on {record.subject}: losses and gradient norms",
                )
            if row["is_champion"]:
                show_table(
                    f"labels-{key}-confusions",
                    confusion_rows(notes),
                    f"What the champion takes for what, {record.subject}, held-out documents",
                )


def curve_rows(notes: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each epoch of the LSTM whose card has these `notes`."""
    return [
        {
            "epoch": epoch["epoch"] + 1, "loss": round(epoch["loss"], 4), "loss on validation": round(epoch["validation"], 4),
            "learning rate": epoch["learning_rate"], "gradient norm": round(epoch["gradient_norm"], 4),
            "updates clipped": round(epoch["clipped_share"], 3), "kept": epoch["epoch"] == notes["history"]["best_epoch"],
        }
        for epoch in notes["history"]["epochs"]
    ]  # fmt: skip


def confusion_rows(notes: dict[str, Any]) -> list[dict[str, Any]]:
    """The most frequent pairs of true and predicted label on held-out documents, those that differ first; of the card's `notes`."""
    pairs = [
        {"true": true, "predicted": said, "documents": n}
        for true, row in zip(notes["labels"], notes["confusion"], strict=True)
        for said, n in zip(notes["labels"], row, strict=True)
        if n
    ]
    return sorted(pairs, key=lambda pair: (pair["true"] == pair["predicted"], -pair["documents"]))[:N_CONFUSIONS]


def _contest_row(row: dict[str, Any], card: dict[str, Any]) -> dict[str, Any]:
    of_test = {score["metric"]: score["value"] for score in card["scores"] if score["split"] == "test"}
    notes = card["notes"]
    chosen = notes.get("k", notes.get("c", notes.get("history", {}).get("best_epoch")))
    return {
        "kind": row["kind"], "champion": row["is_champion"], **{name: round(value, 4) for name, value in of_test.items()},
        "k, C or epoch": chosen, "seconds": notes["seconds"], "peak memory, MB": notes["peak_memory_bytes"] // 2**20,
    }  # fmt: skip


def _most_frequent(langs: pa.ChunkedArray) -> str:
    counted = Counter(langs.to_pylist())
    return max(counted, key=lambda lang: (counted[lang], lang))


def _word_vectors(lake: Lake, lang: str) -> tuple[FileRef, ...]:
    """The files of word vectors of a language that `train_embeddings` last left; of each holds one model's."""
    stage = read_stage(lake, "embeddings")
    refs = stage.tables["word_vectors"] if stage is not None else ()
    return tuple(
        ref for ref in refs if ref.n_rows and lang in read_table(lake, ref, ["lang"])["lang"].unique().to_pylist()
    )
