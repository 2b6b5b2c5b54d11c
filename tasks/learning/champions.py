"""Champions: a newly trained model is published only where it is not worse than the one that is published now.

A learner trains, then each new model is judged once, in a step whose fingerprint is the new model's files. So a second run finds the
judgement standing, whoever won. Whatever a learner writes with the winner (states, forecasts, labels) it writes after that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from expectations.contracts.ops import LEDGER
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import Step, StepOutput, StepRecord, Work
from tasks.learning.model_store import MODEL_FILES
from tasks.running.artifacts import show_table

MODEL_TABLES = ("models", "scores", "word_vectors")
"""Tables of which each file holds the rows of the models of one training, and no other's."""

UNPUBLISHED = "unpublished_"  # and the table: under these names a stage keeps the files of a model that lost
COMPARISONS = "comparisons"  # the working table of what a judgement rests on
COMPARISONS_SCHEMA = pa.schema(
    [
        ("metric", pa.string()), ("split", pa.string()), ("value", pa.float64()), ("champion_value", pa.float64()),
        ("is_higher_better", pa.bool_()),
    ]
)  # fmt: skip

FIRST, NOT_WORSE, WORSE = "first_champion", "not_worse_than_champion", "worse_than_champion"
NOT_COMPARABLE = "champion_not_comparable"


class NotComparableError(Exception):
    """Two models that cannot be scored on the same data, because this code cannot read or apply the one that is published."""


@dataclass(frozen=True)
class Comparison:
    """One score of the new model and of the champion, both measured on the same data."""

    metric: str
    split: str
    value: float
    champion_value: float
    is_higher_better: bool = True


@dataclass(frozen=True)
class Contest:
    """What a judgement reads: a training's files, what the training read (`payload`), and who counts as a rival: a published champion
    of one of `kinds`, of the same language, with the same values of the settings `same`.
    """

    step: Step
    subject: str
    files: tuple[FileRef, ...]
    kinds: tuple[str, ...]
    lang: str | None
    same: Mapping[str, Any]
    tolerance: float
    payload: Any


Compare = Callable[[Lake, Contest, str, str], Sequence[Comparison]]
"""Scores the model of the first id and the champion of the second on the same data of `contest.payload`. May raise NotComparableError."""


def judge_works(
    lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord], name: str, modules: tuple[str, ...], *,
    kinds: tuple[str, ...] = (), same: tuple[str, ...] = (), tolerance: float = 0.0,
) -> list[Work]:  # fmt: skip
    """One judgement, of the step `name`, for each of `works` whose record in `trained` (in the same order) left a model.

    Rivals are of the model's own kind, or of `kinds`; `same` names settings that tell what a model is for. `tolerance` is how far the
    mean score may fall below the champion's, in the scores' own unit.
    """
    found = []
    for work, record in zip(works, trained, strict=True):
        files = tuple(ref for ref in record.files if is_model_file(ref))
        row = _champion_row(lake, [ref for ref in files if ref.table == "models"])
        if row is not None:
            settings = json.loads(row["settings"])
            step = Step(name, modules, {"tolerance": tolerance})
            contest = Contest(
                step, record.subject, files, kinds or (row["kind"],), row["lang"], {key: settings[key] for key in same}, tolerance,
                work.payload,
            )  # fmt: skip
            found.append(Work(step, record.subject, tuple(sorted(ref.sha256 for ref in files)), contest))
    return found


def judge(lake: Lake, contest: Contest, compare: Compare) -> StepOutput:
    """The winner's files, the loser's under names that are not published, what the verdict rests on, and its line of the ledger.

    Rows are new models: one in, and one out or set aside as `worse_than_champion`. The new model wins where there is no champion, where
    it is the champion again, where nothing can be compared, and where the mean over the comparisons of what it gains is no loss greater
    than the tolerance.
    """
    new = _champion_row(lake, [ref for ref in contest.files if ref.table == "models"])
    if new is None:
        raise ValueError(f"the training of {contest.subject} left no model to judge")
    manifest = read_manifest(lake)
    present = _present_champion(lake, manifest, contest) if manifest is not None else None
    comparisons, rule = _verdict(
        lake, contest, new["model_id"], present["model_id"] if present is not None else None, compare
    )
    files = [_write_comparisons(lake, comparisons), _write_decision(lake, contest, rule, comparisons)]
    if rule != WORSE or manifest is None or present is None:
        return StepOutput((*contest.files, *files), 1, 1)
    losers = (replace(ref, table=UNPUBLISHED + ref.table) for ref in contest.files)
    return StepOutput((*_files_of_model(lake, manifest, present), *losers, *files), 1, 0, {WORSE: 1})


def is_model_file(ref: FileRef) -> bool:
    """Whether a file is part of a model: its weights, its card, its rows of `models`, `scores` or `word_vectors`."""
    return ref.table in MODEL_TABLES or ref.table == MODEL_FILES


def without_models(trained: Sequence[StepRecord]) -> list[StepRecord]:
    """The records of trainings as a stage leaves them beside their judgements: row counts and decisions, without the models."""
    return [replace(record, files=tuple(ref for ref in record.files if not is_model_file(ref))) for record in trained]


def champion_rows(lake: Lake, judged: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """The rows of `models` that judgements left as champions, in order of the judgements."""
    rows = (_champion_row(lake, record.files_of("models")) for record in judged)
    return [row for row in rows if row is not None]


def show_champions(lake: Lake, stage: str, judged: Sequence[StepRecord]) -> None:
    """Show for every judgement of `stage` which model is published, and what that rests on, in the UI of the run that calls."""
    rows: list[dict[str, Any]] = []
    for record in judged:
        verdict = read_table(lake, record.files_of("ops.ledger"), ["rule"])["rule"][0].as_py()
        winner = next((row["model_id"] for row in champion_rows(lake, [record])), None)
        line = {"of": record.subject, "verdict": verdict.replace("_", " "), "published": winner}
        compared = read_table(lake, record.files_of(COMPARISONS)).to_pylist()
        rows += [
            {
                **line,
                "score": row["metric"],
                "on": row["split"],
                "new model": row["value"],
                "champion": row["champion_value"],
            }
            for row in compared
        ] or [{**line, "score": None, "on": None, "new model": None, "champion": None}]
    show_table(
        f"champions-{stage}",
        rows,
        "New models beside the champions that were published: which is published now, and why",
    )


def _champion_row(lake: Lake, files: Sequence[FileRef]) -> dict[str, Any] | None:
    """The first row of a champion in files of `models`; None where there is none."""
    rows = read_table(lake, files).to_pylist() if files else []
    return next((row for row in rows if row["is_champion"]), None)


def _present_champion(lake: Lake, manifest: Manifest, contest: Contest) -> dict[str, Any] | None:
    """The published champion for what the contest's model is for; None where there is none."""
    for row in read_table(lake, manifest.tables["models"]).to_pylist():
        settings = json.loads(row["settings"])
        is_for_the_same = row["lang"] == contest.lang and all(
            settings.get(key) == value for key, value in contest.same.items()
        )
        if row["is_champion"] and row["kind"] in contest.kinds and is_for_the_same:
            return dict(row)
    return None


def _files_of_model(lake: Lake, manifest: Manifest, row: Mapping[str, Any]) -> list[FileRef]:
    """The files of a published model: those of tables that hold its rows alone, its weights and its card."""
    found = [ref for table in MODEL_TABLES for ref in manifest.tables[table] if ref.n_rows]
    files = [
        ref
        for ref in found
        if read_table(lake, ref, ["model_id"])["model_id"].unique().to_pylist() == [row["model_id"]]
    ]
    working = dict.fromkeys(ref for stage in manifest.stages.values() for ref in stage.working)
    return [*files, *(ref for ref in working if ref.table == MODEL_FILES and ref.path.startswith(f"{row['path']}/"))]


def _verdict(
    lake: Lake, contest: Contest, new_id: str, present_id: str | None, compare: Compare
) -> tuple[Sequence[Comparison], str]:
    """The comparisons that could be made, and the rule that decided."""
    if present_id is None:
        return (), FIRST
    if present_id == new_id:
        return (), NOT_WORSE
    try:
        made = compare(lake, contest, new_id, present_id)
    except NotComparableError:
        return (), NOT_COMPARABLE
    comparisons = [one for one in made if np.isfinite([one.value, one.champion_value]).all()]
    if not comparisons:
        return (), NOT_COMPARABLE
    return comparisons, NOT_WORSE if mean_gain(comparisons) >= -contest.tolerance else WORSE


def mean_gain(comparisons: Sequence[Comparison]) -> float:
    """By how much the new model is better than the champion, mean over the comparisons, in their unit."""
    return float(
        np.mean([(one.value - one.champion_value) * (1 if one.is_higher_better else -1) for one in comparisons])
    )


def _write_comparisons(lake: Lake, comparisons: Sequence[Comparison]) -> FileRef:
    columns = {name: [getattr(one, name) for one in comparisons] for name in COMPARISONS_SCHEMA.names}
    return write_table(lake, COMPARISONS, pa.table(columns, schema=COMPARISONS_SCHEMA), schema=COMPARISONS_SCHEMA)


def _write_decision(lake: Lake, contest: Contest, rule: str, comparisons: Sequence[Comparison]) -> FileRef:
    """The ledger line: means of the new model's scores and of the champion's. A model set aside is counted by the step's own rows."""
    line = {
        "subject": contest.subject, "subject_kind": "batch", "stage": contest.step.name, "outcome": "skipped" if rule == WORSE else "kept",
        "rule": rule, "code_version": contest.step.code_version,
        "score": float(np.mean([one.value for one in comparisons])) if comparisons else None,
        "threshold": float(np.mean([one.champion_value for one in comparisons])) if comparisons else None,
    }  # fmt: skip
    return write_table(lake, "ops.ledger", pa.Table.from_pylist([line], schema=LEDGER.arrow_schema()))
