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


@dataclass(frozen=True)
class StageRecord:
    """A stage's present output: the files of each table that it fills (one at least, if without rows), and the files
    that it needs but does not publish; how many of its tasks were done and how many were reused.
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


def leave_stage(lake: Lake, stage: str, tables: Sequence[str], records: Sequence[StepRecord]) -> StageRecord:
    """Make the files of `records` (all the stage's tasks, done now or before) its present output, with a ledger line
    for each batch.

    `tables` are the published ones that it fills; the ledger comes by itself. ValueError where `records` hold rows of
    another published table: those would never be published.
    """
    names = tuple(dict.fromkeys((*tables, LEDGER.qualified_name)))
    files = [ref for record in records for ref in record.files]
    strays = {ref.table for ref in files if ref.table in TABLES and ref.table not in names and ref.n_rows}
    if strays:
        raise ValueError(f"the stage {stage} left rows of {', '.join(sorted(strays))}, which none of its steps leaves")
    filled = {name: tuple(dict.fromkeys(ref for ref in files if ref.table == name)) for name in names}
    filled[LEDGER.qualified_name] += (write_table(lake, LEDGER.qualified_name, _batch_decisions(records)),)
    for name in names:
        filled[name] = filled[name] or (write_table(lake, name, TABLES[name].empty()),)
    working = tuple(dict.fromkeys(ref for ref in files if ref.table not in names))
    n_reused = sum(record.is_reused for record in records)
    record = StageRecord(stage, filled, working, len(records) - n_reused, n_reused)
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
        remedy = f"remove {path} and run again, nothing else is lost"
        raise LakeError(f"the record of the stage {stage} is damaged: {remedy}") from error


def read_stages(lake: Lake) -> list[StageRecord]:
    """What each stage last left, by name; stages that never ran are absent. LakeError where a record is damaged."""
    names = sorted(path.stem for path in lake.stages.glob("[!.]*.json"))
    return [record for name in names if (record := read_stage(lake, name)) is not None]


def _batch_decisions(records: Sequence[StepRecord]) -> pa.Table:
    """Ledger lines: for each batch its rows in and those it kept, and a line for each rule with the rows set aside by
    it.
    """
    lines = []
    for record in records:
        of_batch = {"subject": record.subject, "subject_kind": "batch", "stage": record.step}
        of_batch |= {"code_version": record.code_version}
        counts = {"n_rows_in": record.n_rows_in, "n_rows_out": record.n_rows_out}
        n_bytes = sum(ref.n_bytes for ref in record.files)
        lines.append({**of_batch, **counts, "outcome": "kept", "rule": "kept", "n_bytes_after": n_bytes})
        lines += [
            {**of_batch, "outcome": "set_aside", "rule": rule, "n_rows_set_aside": n}
            for rule, n in sorted(record.set_aside.items())
        ]
    return pa.Table.from_pylist(lines, schema=LEDGER.arrow_schema())


def as_stage_record(value: Mapping[str, Any]) -> StageRecord:
    """The record whose `asdict` went through JSON to give `value`. KeyError, TypeError or AttributeError where none
    did.
    """
    tables = {table: file_refs(files) for table, files in value["tables"].items()}
    return StageRecord(**{**value, "tables": tables, "working": file_refs(value["working"])})


def file_refs(values: Iterable[Mapping[str, Any]]) -> tuple[FileRef, ...]:
    """References that went through JSON. TypeError where a field is missing or unknown."""
    return tuple(FileRef(**value) for value in values)
