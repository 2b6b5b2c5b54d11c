"""Champions: a newly trained model is published only where it is not worse than the one that is published now.

A learner trains, then each new model is judged once, in a step whose fingerprint is the new model's files. So a second
run finds the judgement there, whoever won. Whatever a learner writes with the winner (states, forecasts, labels) it
writes after that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import FunctionType
from typing import Any, cast

import numpy as np
import pyarrow as pa

from models.settings import COMPARING, settings_of
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import HOUR_S, Batch, Step, StepOutput, StepRecord
from tasks.learning.model_store import MODEL_FILES

MODEL_TABLES = ("models", "scores", "word_vectors")
"""Tables of which each file holds the rows of the models of one training, and no other's."""
OF_A_MODEL = (*MODEL_TABLES, MODEL_FILES)
"""Where a training's files stand that are part of a model: its rows, its weights, its card. They go to the judgement,
which leaves them.
"""

UNPUBLISHED = "unpublished_"  # and the table: under these names a stage keeps the files of a model that lost
COMPARISONS = "comparisons"  # the working table of what a judgement rests on
COMPARISONS_SCHEMA = pa.schema(
    [
        ("metric", pa.string()),
        ("split", pa.string()),
        ("value", pa.float64()),
        ("champion_value", pa.float64()),
        ("is_higher_better", pa.bool_()),
    ]
)

FIRST, NOT_WORSE, WORSE = "first_champion", "not_worse_than_champion", "worse_than_champion"
NOT_COMPARABLE = "champion_not_comparable"


class NotComparableError(Exception):
    """Two models that cannot be scored on the same data, because this code cannot read or apply the one that is
    published.
    """


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
    """What a judgement reads: a training's files, what the training read (`payload`), and who counts as a rival: a
    published champion of one of `kinds`, of the same language, with the same values of the settings `same`; and how two
    models are compared.
    """

    subject: str
    files: tuple[FileRef, ...]
    kinds: tuple[str, ...]
    lang: str | None
    same: Mapping[str, Any]
    tolerance: float
    payload: Any
    compare: Compare


Compare = Callable[[Lake, Contest, str, str], Sequence[Comparison]]
"""Scores the model of the first id and the champion of the second on the same data of `contest.payload`. May raise
NotComparableError.
"""


def judging(
    name: str,
    after: str,
    compare: Compare,
    *,
    kinds: tuple[str, ...] = (),
    same: tuple[str, ...] = (),
    leaves: tuple[str, ...] = ("models", "scores"),
    hands_over: tuple[str, ...] = (),
    timeout_s: float = HOUR_S,
) -> Step:
    """The step `name` that judges what the training step `after` left, one contest a model.

    Rivals are of the model's own kind, or of `kinds`; `same` names settings that tell what a model is for. How far the
    mean score may fall below the champion's, in the scores' own unit, is the one of the chain's settings that decides
    the comparison.
    """
    return Step(
        name,
        judge,
        partial(contests, compare=compare, kinds=kinds, same=same),
        leaves=leaves,
        hands_over=hands_over,
        reads={"trained": after, "trained_batches": f"{after}_batches"},
        timeout_s=timeout_s,
    )


def contests(
    lake: Lake,
    trained: Sequence[StepRecord],
    trained_batches: Sequence[Batch],
    settings: Any,
    *,
    compare: Compare,
    kinds: tuple[str, ...],
    same: tuple[str, ...],
) -> list[Batch]:
    """One judgement for each batch whose record in `trained` (in the same order) left a model."""
    deciding = settings_of(settings, COMPARING)
    found = []
    for batch, record in zip(trained_batches, trained, strict=True):
        files = tuple(ref for ref in record.files if ref.table in OF_A_MODEL)
        row = _champion_row(lake, [ref for ref in files if ref.table == "models"])
        if row is not None:
            given = json.loads(row["settings"])
            contest = Contest(
                subject=record.subject,
                files=files,
                kinds=kinds or (row["kind"],),
                lang=row["lang"],
                same={key: given[key] for key in same},
                tolerance=float(deciding["tolerance"]),
                payload=batch.payload,
                compare=compare,
            )
            rivals = {"kinds": contest.kinds, "same": dict(contest.same)}
            digests = tuple(sorted(ref.sha256 for ref in files))
            calls = (cast("FunctionType", compare),)
            found.append(Batch(record.subject, digests, contest, {**deciding, **rivals}, calls))
    return found


def judge(lake: Lake, contest: Contest) -> StepOutput:
    """The winner's files, the loser's under names that are not published, what the verdict rests on, and its line of
    the ledger.

    Rows are new models: one in, and one out or set aside as `worse_than_champion`. The new model wins where there is no
    champion, where it is the champion again, where nothing can be compared, and where the mean over the comparisons of
    what it gains is no loss greater than the tolerance.
    """
    new = _champion_row(lake, [ref for ref in contest.files if ref.table == "models"])
    if new is None:
        raise ValueError(f"the training of {contest.subject} left no model to judge")
    manifest = read_manifest(lake)
    present = _present_champion(lake, manifest, contest) if manifest is not None else None
    comparisons, rule = _verdict(lake, contest, new["model_id"], present["model_id"] if present is not None else None)
    files = (_write_comparisons(lake, comparisons), *_write_verdict(lake, contest, rule, comparisons))
    if rule != WORSE or manifest is None or present is None:
        return StepOutput((*contest.files, *files), 1, 1)
    losers = (replace(ref, table=UNPUBLISHED + ref.table) for ref in contest.files)
    return StepOutput((*_files_of_model(lake, manifest, present), *losers, *files), 1, 0, {WORSE: 1})


def champion_rows(lake: Lake, judged: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """The rows of `models` that judgements left as champions, in order of the judgements."""
    rows = (_champion_row(lake, record.files_of("models")) for record in judged)
    return [row for row in rows if row is not None]


def verdict_rows(lake: Lake, judged: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For every judgement which model is published, and what that rests on, a row a comparison."""
    rows: list[dict[str, Any]] = []
    nothing = {"score": None, "on": None, "new model": None, "champion": None}
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
        ] or [{**line, **nothing}]
    return rows


def mean_gain(comparisons: Sequence[Comparison]) -> float:
    """By how much the new model is better than the champion, mean over the comparisons, in their unit."""
    gains = [(one.value - one.champion_value) * (1 if one.is_higher_better else -1) for one in comparisons]
    return float(np.mean(gains))


def _champion_row(lake: Lake, files: Sequence[FileRef]) -> dict[str, Any] | None:
    """The first row of a champion in files of `models`; None where there is none."""
    rows = read_table(lake, files).to_pylist() if files else []
    return next((row for row in rows if row["is_champion"]), None)


def _present_champion(lake: Lake, manifest: Manifest, contest: Contest) -> dict[str, Any] | None:
    """The published champion for what the contest's model is for; None where there is none."""
    for row in read_table(lake, manifest.tables["models"]).to_pylist():
        given = json.loads(row["settings"])
        is_same = row["lang"] == contest.lang and all(given.get(key) == value for key, value in contest.same.items())
        if row["is_champion"] and row["kind"] in contest.kinds and is_same:
            return dict(row)
    return None


def _files_of_model(lake: Lake, manifest: Manifest, row: Mapping[str, Any]) -> list[FileRef]:
    """The files of a published model: those of tables that hold its rows alone, its weights and its card."""
    found = [ref for table in MODEL_TABLES for ref in manifest.tables.get(table, ()) if ref.n_rows]
    own = [row["model_id"]]
    files = [ref for ref in found if read_table(lake, ref, ["model_id"])["model_id"].unique().to_pylist() == own]
    working = dict.fromkeys(ref for stage in manifest.stages.values() for ref in stage.working)
    kept = (ref for ref in working if ref.table == MODEL_FILES and ref.path.startswith(f"{row['path']}/"))
    return [*files, *kept]


def _verdict(lake: Lake, contest: Contest, new_id: str, present_id: str | None) -> tuple[Sequence[Comparison], str]:
    """The comparisons that could be made, and the rule that decided."""
    if present_id is None:
        return (), FIRST
    if present_id == new_id:
        return (), NOT_WORSE
    try:
        made = contest.compare(lake, contest, new_id, present_id)
    except NotComparableError:
        return (), NOT_COMPARABLE
    comparisons = [one for one in made if np.isfinite([one.value, one.champion_value]).all()]
    if not comparisons:
        return (), NOT_COMPARABLE
    return comparisons, NOT_WORSE if mean_gain(comparisons) >= -contest.tolerance else WORSE


def _write_comparisons(lake: Lake, comparisons: Sequence[Comparison]) -> FileRef:
    columns = {name: [getattr(one, name) for one in comparisons] for name in COMPARISONS_SCHEMA.names}
    return write_table(lake, COMPARISONS, pa.table(columns, schema=COMPARISONS_SCHEMA), schema=COMPARISONS_SCHEMA)


def _write_verdict(lake: Lake, contest: Contest, rule: str, comparisons: Sequence[Comparison]) -> tuple[FileRef, ...]:
    """The ledger line: means of the new model's scores and of the champion's. A model set aside is counted by the
    step's own rows.
    """
    line: dict[str, Any] = {"subject": contest.subject, "outcome": "skipped" if rule == WORSE else "kept", "rule": rule}
    if comparisons:
        line["score"] = float(np.mean([one.value for one in comparisons]))
        line["threshold"] = float(np.mean([one.champion_value for one in comparisons]))
    return write_decisions(lake, [line])
