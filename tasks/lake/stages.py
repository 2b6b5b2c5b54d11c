"""Stages: what each flow last left for the flows after it. One JSON file a stage, replaced in one step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from expectations.contracts.ops import LEDGER
from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, write_json, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import StepRecord

STAGE_TABLES: Mapping[str, tuple[str, ...]] = {
    "documents": (
        "documents",
        "duplicates",
        "labels",
        "treebank",
        "word_tests",
        "ops.ledger",
        "ops.quarantine",
        "ops.vintages",
    ),
    "mobility": ("mobility", "policy", "mobility_policy", "ops.ledger", "ops.quarantine", "ops.vintages"),
    "hmm": ("regimes", "models", "scores", "ops.ledger"),
    "features": ("tokens", "vocabulary", "terms", "tfidf", "ops.ledger", "ops.quarantine"),
    "embeddings": ("word_vectors", "models", "scores", "ops.ledger"),
    "lstm": ("forecasts", "predictions", "models", "scores", "ops.ledger"),
}
"""Every stage, in the order of a whole run, and the tables that it fills. A table of several stages holds the files of all."""


@dataclass(frozen=True)
class StageRecord:
    """A stage's present output: the files of each table that it fills (one at least, if without rows), and the files that it needs
    but does not publish; how many of its steps were done and how many stood.
    """

    stage: str
    tables: Mapping[str, tuple[FileRef, ...]]
    working: tuple[FileRef, ...]
    n_steps_run: int
    n_steps_skipped: int

    @property
    def files(self) -> tuple[FileRef, ...]:
        """Every file of the stage, published or working, once."""
        return tuple(dict.fromkeys(ref for refs in (*self.tables.values(), self.working) for ref in refs))


def leave_stage(lake: Lake, stage: str, records: Sequence[StepRecord]) -> StageRecord:
    """Make the files of `records` (all the stage's steps, done now or before) its present output, with a ledger line for each batch.

    ValueError where they hold rows of a published table that the stage does not fill: those would never be published.
    """
    names = STAGE_TABLES[stage]
    files = [ref for record in records for ref in record.files]
    strays = {ref.table for ref in files if ref.table in TABLES and ref.table not in names and ref.n_rows}
    if strays:
        raise ValueError(
            f"the stage {stage} left rows of {', '.join(sorted(strays))}, which STAGE_TABLES does not give it"
        )
    tables = {name: tuple(dict.fromkeys(ref for ref in files if ref.table == name)) for name in names}
    tables["ops.ledger"] += (write_table(lake, "ops.ledger", _batch_decisions(records)),)
    for name in names:
        tables[name] = tables[name] or (write_table(lake, name, TABLES[name].empty()),)
    record = StageRecord(
        stage, tables, tuple(dict.fromkeys(ref for ref in files if ref.table not in names)),
        sum(not record.was_standing for record in records), sum(record.was_standing for record in records),
    )  # fmt: skip
    write_json(lake.stages / f"{stage}.json", asdict(record))
    return record


def read_stage(lake: Lake, stage: str) -> StageRecord | None:
    """What the stage last left; None where it never ran. LakeError where the record is damaged."""
    path = lake.stages / f"{stage}.json"
    try:
        return as_stage_record(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LakeError(
            f"the record of the stage {stage} is damaged: remove {path} and run again, nothing else is lost"
        ) from error


def read_stages(lake: Lake) -> list[StageRecord]:
    """What each stage last left, in the order of a whole run; stages that never ran are absent. LakeError where a record is damaged."""
    order = {stage: place for place, stage in enumerate(STAGE_TABLES)}
    names = sorted(
        (path.stem for path in lake.stages.glob("[!.]*.json")), key=lambda name: (order.get(name, len(order)), name)
    )
    return [record for name in names if (record := read_stage(lake, name)) is not None]


def _batch_decisions(records: Sequence[StepRecord]) -> pa.Table:
    """Ledger lines: for each batch what it kept, and what it set aside by rule."""
    lines = []
    for record in records:
        line = {
            "subject": record.subject, "subject_kind": "batch", "stage": record.step, "n_rows_in": record.n_rows_in,
            "code_version": record.code_version, "n_bytes_after": sum(ref.n_bytes for ref in record.files),
        }  # fmt: skip
        lines.append({**line, "outcome": "kept", "rule": "kept", "n_rows_out": record.n_rows_out})
        lines += [
            {**line, "outcome": "set_aside", "rule": rule, "n_rows_out": n}
            for rule, n in sorted(record.set_aside.items())
        ]
    return pa.Table.from_pylist(lines, schema=LEDGER.arrow_schema())


def as_stage_record(value: Mapping[str, Any]) -> StageRecord:
    """The record whose `asdict` went through JSON to give `value`. KeyError, TypeError or AttributeError where none did."""
    tables = {table: file_refs(files) for table, files in value["tables"].items()}
    return StageRecord(**{**value, "tables": tables, "working": file_refs(value["working"])})


def file_refs(values: Iterable[Mapping[str, Any]]) -> tuple[FileRef, ...]:
    """References that went through JSON. TypeError where a field is missing or unknown."""
    return tuple(FileRef(**value) for value in values)
