"""What of the stages is published already, known without validating again; and the tasks that publish the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from expectations.contracts.tables import TABLES
from expectations.suites import PACKAGE_SUITES, suite_folders, suites_digest
from tasks.lake.files import canonical_json, write_json
from tasks.lake.fingerprints import code_version
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, publish, read_manifest
from tasks.lake.stages import StageRecord, read_stage
from tasks.publication.data_docs import build_data_docs
from tasks.publication.validation import ValidationResult, validate_stages
from tasks.report.page import build_report
from tasks.running.artifacts import show_table
from tasks.running.engine import tell_step
from tasks.running.runs import RunRefusedError
from tasks.running.stages import all_stages
from tasks.validation.comparison import compare_table
from tasks.validation.table_validation import validate_table


def read_stages_in_order(lake: Lake) -> list[StageRecord]:
    """What each stage last left, in the order of a whole run; stages that never ran are absent."""
    return [record for stage in all_stages() if (record := read_stage(lake, stage)) is not None]


def unpublished_stages(lake: Lake, folders: Sequence[Path] = (PACKAGE_SUITES,)) -> list[str]:
    """Stages whose present output, its contracts, the suites in `folders`, or the code that validates it, are not what
    the present snapshot was made from. SuiteError where a suite is broken.
    """
    manifest = read_manifest(lake)
    note = _read_note(_note_path(lake))
    noted, code = (note.get("snapshot_id"), note.get("code")), code_version(validate_table, compare_table)
    published = note.get("stages") if manifest is not None and noted == (manifest.snapshot_id, code) else None
    known = published if isinstance(published, dict) else {}
    return [
        record.stage for record in read_stages_in_order(lake) if known.get(record.stage) != _digest(record, folders)
    ]


def note_published(
    lake: Lake, records: Iterable[StageRecord], manifest: Manifest, folders: Sequence[Path] = (PACKAGE_SUITES,)
) -> None:
    """Remember that `manifest` was made from `records`: all stages as they left them, before validation took rows
    out; held against the suites in `folders`.
    """
    stages = {record.stage: _digest(record, folders) for record in records}
    write_json(
        _note_path(lake),
        {"snapshot_id": manifest.snapshot_id, "code": code_version(validate_table, compare_table), "stages": stages},
    )


@task(cache_policy=NO_CACHE)
def validate_tables(home: str, run_id: str, sources: str | None = None) -> ValidationResult:
    """What of the stages is to be published, held against its expectations, those beside the sources in the folder
    `sources` too; the outcomes are shown in the UI.

    RunRefusedError where no stage has left anything yet, or a critical expectation fails. SuiteError where a suite is
    broken.
    """
    lake, folders = Lake(Path(home)), suite_folders(Path(sources) if sources else None)
    unpublished = unpublished_stages(lake, folders)
    records = [record for record in read_stages_in_order(lake) if record.stage in unpublished]
    if not records and read_manifest(lake) is None:
        raise RunRefusedError("there is nothing to publish yet: run `tidemill run`, which fills the stages first")
    with tell_step("validate_tables"):
        try:
            result = validate_stages(lake, records, run_id, folders=folders)
        finally:  # a refused publish is when the report on it is wanted most
            pages = build_data_docs(lake, folders)
            create_link_artifact(pages.as_uri(), link_text="Every expectation and its outcome", key="validation-report")
    show_table(
        "validation", _outcomes_by_table(result), "Expectations that were held against each table, and rows set aside"
    )
    return result


@task(cache_policy=NO_CACHE)
def publish_snapshot(home: str, validated: ValidationResult, run_id: str, sources: str | None = None) -> str:
    """The id of the snapshot in force with what was validated in it; what it holds is shown in the UI."""
    lake = Lake(Path(home))
    before = read_manifest(lake)
    records = read_stages_in_order(lake)
    with tell_step("publish_snapshot"):
        manifest = publish(lake, validated.records, run_id)
    folders = suite_folders(Path(sources) if sources else None)
    note_published(lake, records, manifest, folders)
    build_data_docs(lake, folders)  # once more: what was refused and set aside is told of the snapshot
    show_table(
        "snapshot", _rows_by_table(manifest, before), f"Snapshot {manifest.snapshot_id}: rows of each table, and before"
    )
    return manifest.snapshot_id


@task(cache_policy=NO_CACHE)
def write_report(home: str) -> str:
    """The path of the report on the present snapshot, written anew; the UI links to it."""
    with tell_step("write_report"):
        path = build_report(Lake(Path(home)))
    create_link_artifact(path.as_uri(), link_text="The report on this snapshot", key="report")
    return str(path)


def _outcomes_by_table(result: ValidationResult) -> list[dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for outcome in result.outcomes:
        set_aside = sum(result.set_aside.get(outcome.table_name, {}).values())
        empty = {
            "table": outcome.table_name,
            "rows": outcome.n_rows,
            "expectations": 0,
            "failed": 0,
            "rows set aside": set_aside,
        }
        row = tables.setdefault(outcome.table_name, empty)
        row["expectations"] += 1
        row["failed"] += not outcome.is_success
    return list(tables.values())


def _rows_by_table(manifest: Manifest, before: Manifest | None) -> list[dict[str, Any]]:
    old = before.tables if before is not None else {}
    return [
        {
            "table": table,
            "rows": sum(ref.n_rows for ref in refs),
            "rows before": sum(ref.n_rows for ref in old.get(table, ())),
            "bytes": sum(ref.n_bytes for ref in refs),
            "files": len(refs),
        }
        for table, refs in manifest.tables.items()
    ]


def _digest(record: StageRecord, folders: Sequence[Path]) -> str:
    """The same for the same files, contracts and suites, however many of the stage's tasks were done."""
    tables = {name: [ref.sha256 for ref in refs] for name, refs in record.tables.items()}
    asked = [
        repr(contract) + suites_digest(contract, folders)
        for contract in map(TABLES.get, tables)
        if contract is not None
    ]
    return hashlib.sha256(canonical_json([tables, asked, [asdict(ref) for ref in record.working]])).hexdigest()


def _note_path(lake: Lake) -> Path:
    return lake.ops / "published.json"


def _read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
