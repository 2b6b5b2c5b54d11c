"""Validation before publishing: every table that changed is held against its suite, rows that fail go to
`ops.quarantine`.

What stops a publish, and what does not, is told in `docs/decisions/0006-validation.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow as pa

from expectations.checks import Check, distinct_names
from expectations.contracts.ops import QUARANTINE, VALIDATIONS
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.suites import PACKAGE_SUITES, checks_of_table
from tasks.lake.events import append_event
from tasks.lake.files import FileRef, canonical_json
from tasks.lake.layout import Lake
from tasks.lake.manifests import Manifest, read_manifest
from tasks.lake.stages import StageRecord
from tasks.lake.steps import StepRecord, do
from tasks.running.runs import RunRefusedError
from tasks.validation.binding import require_bound, tables_read
from tasks.validation.comparison import TableToCompare
from tasks.validation.outcomes import OUTCOMES, Outcome, has_critical_failure, read_outcomes
from tasks.validation.provenance import tables_of_origins
from tasks.validation.queries import is_comparison
from tasks.validation.table_validation import KEEPS_ROWS, TableToValidate, in_present_form

SHARE_OF_BEFORE = (
    0.5  # our choice: a table that lost more than half of its rows since the last snapshot is worth a look
)

KEEPS_VOLUME = "expect_table_to_keep_half_of_its_volume"

Stages = Mapping[str, StageRecord]


class CriticalExpectationError(RunRefusedError):
    """Critical expectations that do not hold: nothing is published, the previous snapshot stays. `outcomes` are those
    that failed.
    """

    def __init__(self, outcomes: Sequence[Outcome], remedy: str) -> None:
        self.outcomes = tuple(outcomes)
        first, more = outcomes[0], len(outcomes) - 1
        where = f" on {first.column_name}" if first.column_name else ""
        numbers = (
            f"{first.n_unexpected} of {first.n_rows} rows" if first.n_unexpected else f"{first.n_rows} rows looked at"
        )
        others = f" ({more} more {'fails' if more == 1 else 'fail'}, see the validation report)" if more else ""
        super().__init__(
            f"the table {first.table_name} is not published: {first.expectation}{where} fails, {numbers}{others}; "
            f"{remedy}; the previous snapshot stays"
        )


@dataclass(frozen=True)
class ValidationResult:
    """What is to be published: the records given, without the rows that failed, and those of other stages that lost
    rows with them.

    `outcomes` are those of all tables looked at; `set_aside` counts rows by table and rule; `n_fresh` tables were
    validated now, the others stood.
    """

    records: tuple[StageRecord, ...]
    outcomes: tuple[Outcome, ...]
    set_aside: Mapping[str, Mapping[str, int]]
    n_fresh: int


def validate_stages(
    lake: Lake, records: Sequence[StageRecord], run_id: str, *, folders: Sequence[Path] = (PACKAGE_SUITES,)
) -> ValidationResult:
    """Validate the tables of `records`, and those of the present snapshot that refer to them, against their contracts
    and the suites in `folders`.

    CriticalExpectationError where a critical expectation does not hold, after all tables are validated and every
    outcome is told in `ops.validations`. SuiteError where a suite is broken, before anything else is done.
    """
    manifest = read_manifest(lake)
    stages: Stages = {**(manifest.stages if manifest else {}), **{record.stage: record for record in records}}
    given = frozenset(record.stage for record in records)
    checks = checks_of_tables(folders)
    asked = {table: {*_referred(table), *tables_read(TABLES[table], checks[table])} - {table} for table in checks}
    looked_at: list[tuple[StepRecord, list[Outcome]]] = []
    try:
        for table in _tables_in_order():
            stages = _in_present_form(lake, stages, table)
            owned = _owned_files(stages, table)
            if not owned or not _is_due((table, *asked[table]), stages, given, manifest):
                continue
            record = do(lake, _to_validate(table, stages, checks[table], asked[table], given).task())
            outcomes = read_outcomes(lake, record.files_of(OUTCOMES))
            stages = _without_failing_rows(stages, table, owned, record)
            comparison = _to_compare(table, stages, checks[table], asked[table], manifest)
            if comparison is not None:
                compared = do(lake, comparison.task())
                outcomes += read_outcomes(lake, compared.files_of(OUTCOMES))
                record = replace(record, is_reused=record.is_reused and compared.is_reused)
            looked_at.append((record, [*outcomes, *_volume(table, record.n_rows_out, manifest)]))
    finally:
        _tell(lake, run_id, looked_at)
    failed = [
        outcome
        for _, outcomes in looked_at
        for outcome in outcomes
        if not outcome.is_success and outcome.severity == "critical"
    ]
    if failed:
        raise CriticalExpectationError(failed, _remedy(failed[0], checks))
    return ValidationResult(
        records=(
            *(stages[record.stage] for record in records),
            *(
                stages[name]
                for name in stages
                if name not in given and manifest and stages[name] is not manifest.stages.get(name)
            ),
        ),
        outcomes=tuple(outcome for _, outcomes in looked_at for outcome in outcomes),
        set_aside={record.subject: record.set_aside for record, _ in looked_at if record.set_aside},
        n_fresh=sum(not record.is_reused for record, _ in looked_at),
    )


def checks_of_tables(folders: Sequence[Path]) -> dict[str, tuple[Check, ...]]:
    """The checks of every table of snapshots, by its name. SuiteError, with file and line, where a suite in `folders`
    is broken, or names a table, a column or a source that is not there.
    """
    checks = {name: checks_of_table(TABLES[name], folders) for name in TABLES if name not in EVENT_TABLES}
    require_bound({name: [check for check in of_table if check.where] for name, of_table in checks.items()})
    return checks


def _to_validate(
    table: str, stages: Stages, checks: Sequence[Check], asked: Iterable[str], given: Iterable[str]
) -> TableToValidate:
    owned, contract = _owned_files(stages, table), TABLES[table]
    return TableToValidate(
        contract=contract,
        files=tuple(owned),
        stages=tuple(owned.values()),
        referred={name: tuple(_owned_files(stages, name)) for name in sorted(asked)},
        checks=tuple(check for check in checks if not is_comparison(check)),
        origins={name: tuple(_owned_files(stages, name)) for name in tables_of_origins(contract)},
        is_stale=not any(table in stages[name].tables for name in given),
    )


def _to_compare(
    table: str, stages: Stages, checks: Sequence[Check], asked: Iterable[str], manifest: Manifest | None
) -> TableToCompare | None:
    """The table's comparisons with the last snapshot; None where there are none, or nothing is published of it."""
    comparisons = tuple(check for check in checks if is_comparison(check))
    before = manifest.tables[table] if manifest is not None else ()
    if not comparisons or not sum(ref.n_rows for ref in before):
        return None
    referred = {name: tuple(_owned_files(stages, name)) for name in sorted(asked)}
    return TableToCompare(TABLES[table], tuple(_owned_files(stages, table)), before, referred, comparisons)


def _tables_in_order() -> list[str]:
    """The tables of snapshots: what is referred to before what refers to it, and last the quarantine, which all others
    fill.
    """
    names = [name for name in TABLES if name not in (*EVENT_TABLES, QUARANTINE.qualified_name)]
    graph = {name: sorted({held.table for held in TABLES[name].references}) for name in names}
    return [*TopologicalSorter(graph).static_order(), QUARANTINE.qualified_name]


def _owned_files(stages: Stages, table: str) -> dict[FileRef, str]:
    """The table's files, each with the stage that left it (the first, where several left the same)."""
    owned: dict[FileRef, str] = {}
    for name, record in stages.items():
        for ref in record.tables.get(table, ()):
            owned.setdefault(ref, name)
    return owned


def _in_present_form(lake: Lake, stages: Stages, table: str) -> Stages:
    """The stages with files that were written before the table got a column, where that may be NULL, written anew with
    it: a stage that is done later must not hold up those that are done now.
    """
    anew = {ref: in_present_form(lake, TABLES[table], ref) for ref in _owned_files(stages, table)}
    if all(old == new for old, new in anew.items()):
        return stages
    changed = dict(stages)
    for name, stage in stages.items():
        refs = stage.tables.get(table, ())
        if any(anew[ref] != ref for ref in refs):
            changed[name] = replace(stage, tables={**stage.tables, table: tuple(anew[ref] for ref in refs)})
    return changed


def _is_due(tables: Sequence[str], stages: Stages, given: Iterable[str], manifest: Manifest | None) -> bool:
    """Whether a given stage fills the first of `tables`, or its files, or those of the others, which its checks ask,
    are not as they were published.
    """
    if any(tables[0] in stages[name].tables for name in given):
        return True
    published = manifest.stages if manifest else {}
    return any(_owned_files(stages, name).keys() != _owned_files(published, name).keys() for name in tables)


def _referred(table: str) -> set[str]:
    return {held.table for held in TABLES[table].references}


def _without_failing_rows(
    stages: Stages, table: str, owned: Mapping[FileRef, str], record: StepRecord
) -> dict[str, StageRecord]:
    """The stages with the table's files replaced by those of `record`, and each replaced file's quarantine put beside
    it.
    """
    kept = [ref for ref in record.files if ref.table not in (OUTCOMES, QUARANTINE.qualified_name)]
    quarantines = [ref for ref in record.files if ref.table == QUARANTINE.qualified_name]
    if table == QUARANTINE.qualified_name:
        kept, quarantines = quarantines[: len(owned)], quarantines[len(owned) :]
    replaced = {old: new for old, new in zip(owned, kept, strict=True) if old != new}
    beside = dict(zip(replaced, quarantines, strict=True))
    changed = dict(stages)
    for name, stage in stages.items():
        refs = stage.tables.get(table, ())
        if not any(ref in replaced for ref in refs):
            continue
        tables = {**stage.tables, table: tuple(dict.fromkeys(replaced.get(ref, ref) for ref in refs))}
        added = [quarantine for old, quarantine in beside.items() if owned[old] == name]
        tables[QUARANTINE.qualified_name] = tuple(dict.fromkeys((*tables.get(QUARANTINE.qualified_name, ()), *added)))
        changed[name] = replace(stage, tables=tables)
    return changed


def _volume(table: str, n_rows: int, manifest: Manifest | None) -> list[Outcome]:
    """Whether the table kept more than half of the rows that it had in the last snapshot; nothing where it had none."""
    n_before = sum(ref.n_rows for ref in manifest.tables[table]) if manifest else 0
    if not n_before:
        return []
    observed = canonical_json({"observed": n_rows, "before": n_before}).decode()
    is_success = n_rows >= SHARE_OF_BEFORE * n_before
    return [Outcome(table, KEEPS_VOLUME, "", "warning", is_success, n_rows, None, observed)]


def _tell(lake: Lake, run_id: str, looked_at: Sequence[tuple[StepRecord, Sequence[Outcome]]]) -> None:
    """Log the outcomes of tables validated now, and again of those that refuse the publish; what stands was told
    before.
    """
    told = [
        (record, outcomes) for record, outcomes in looked_at if not record.is_reused or has_critical_failure(outcomes)
    ]
    if told:
        now = datetime.now(UTC)
        rows = [
            {"run_id": run_id, "validated_at": now, **asdict(outcome)} for _, outcomes in told for outcome in outcomes
        ]
        digest = hashlib.sha256("".join(record.fingerprint for record, _ in told).encode()).hexdigest()
        table = pa.Table.from_pylist(rows, schema=VALIDATIONS.arrow_schema())
        append_event(lake, VALIDATIONS.qualified_name, f"{run_id} {digest}", table)


def _remedy(outcome: Outcome, checks: Mapping[str, Sequence[Check]]) -> str:
    if outcome.expectation == KEEPS_ROWS:
        return (
            f"more than half of its rows break a rule ({outcome.observed}): run the flow that fills it again if what "
            "it refers to has changed, otherwise mend its source"
        )
    named = checks[outcome.table_name]
    remedies = {(name, one.column_name): one.remedy for name, one in zip(distinct_names(named), named, strict=True)}
    return remedies[outcome.expectation, outcome.column_name]
