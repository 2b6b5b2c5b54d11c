"""The step that validates one table: its suite is run, rows that break a rule are taken out, every outcome is kept.

A failed check of severity critical leaves the table as it is; `tasks.publication.validation` stops the publish for it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.checks import OF_TYPE, REDO, Check, checks_of, duckdb_type
from expectations.contracts.ops import QUARANTINE
from expectations.table_contract import Severity, TableContract
from tasks.lake.files import ROWS_PER_GROUP, FileRef, canonical_json, read_table, write_table
from tasks.lake.fingerprints import code_version
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import Batch, StepOutput, Task
from tasks.transforms.records.failing_rows import rows_to_set_aside
from tasks.transforms.records.quarantine import quarantine_table
from tasks.validation.database import opened_tables
from tasks.validation.failing import failing_rules
from tasks.validation.outcomes import Outcome, has_critical_failure, outcomes_of, write_outcomes
from tasks.validation.provenance import origins_of
from tasks.validation.queries import digest_of_checks
from tasks.validation.reports import CheckReport

MOST_SET_ASIDE_SHARE = (
    0.5  # our choice: where more than half breaks a rule, the rule, the source or the step is wrong, not the rows
)
FEW_ROWS = 10  # up to so many failing rows are set aside even if they are most of the table: a small one is not refused
KEEPS_ROWS = "expect_table_to_keep_most_of_its_rows"


class SuiteRunError(Exception):
    """A check of a contract that could not be run although the table has the contract's columns, for want of memory,
    say.
    """


class DisagreementError(Exception):
    """Great Expectations and the contract's row rules find different rows: a defect of ours, never of the data."""


@dataclass(frozen=True)
class TableToValidate:
    """A table's files, the stage that left each, the files of the other tables that its checks ask, and its checks but
    for comparisons with the last snapshot.

    `is_stale`: it stands published as it is, and only what it refers to is new. Rows whose reference has gone are set
    aside until their stage is done again, however many they are.
    """

    contract: TableContract
    files: tuple[FileRef, ...]
    stages: tuple[str, ...]
    referred: Mapping[str, tuple[FileRef, ...]]
    checks: tuple[Check, ...]
    origins: Mapping[str, tuple[FileRef, ...]]
    is_stale: bool = False

    def task(self) -> Task:
        """The task that validates it; the same again is reused."""
        table = self.contract.qualified_name
        settings: dict[str, Any] = {
            "contract_sha256": hashlib.sha256(repr(self.contract).encode()).hexdigest(),
            "checks_sha256": digest_of_checks(self.contract, self.checks),
        }
        if self.is_stale:
            settings["is_stale"] = True
        referred = [f"{name} {ref.sha256}" for name, refs in sorted(self.referred.items()) for ref in refs]
        batch = Batch(table, (*(ref.sha256 for ref in self.files), *referred), self, settings)
        return Task("validate_table", validate_table, batch, code_version(validate_table))


def validate_table(lake: Lake, payload: TableToValidate) -> StepOutput:
    """Leaves the table's files in their order, those with failing rows replaced; for each of the latter a file of
    `ops.quarantine`, in the same order; and a file of outcomes. Nothing is replaced where a critical check fails.
    """
    contract = payload.contract
    checks = payload.checks
    n_rows = sum(ref.n_rows for ref in payload.files)
    reports = _run_checks(lake, contract, payload, checks)
    _check_was_run(contract, checks, reports)
    outcomes = outcomes_of(contract.qualified_name, checks, reports, n_rows)
    rules: Mapping[FileRef, pa.ChunkedArray] = {}
    if not has_critical_failure(outcomes):
        rules = failing_rules(lake, contract, payload.files, checks, reports)
        set_aside = Counter(rule for of_file in rules.values() for rule in pc.drop_null(of_file).to_pylist())
        _check_agreement(contract.qualified_name, checks, reports, set_aside.total())
        outcomes += _keeping_outcome(payload, n_rows, set_aside)
    if not rules or has_critical_failure(outcomes):
        return StepOutput((*payload.files, write_outcomes(lake, outcomes)), n_rows, n_rows)
    files, quarantines = [], []
    for ref, stage in zip(payload.files, payload.stages, strict=True):
        if ref in rules:
            kept, quarantine = _take_out(lake, payload, ref, rules[ref], stage)
            files.append(kept)
            quarantines.append(quarantine)
        else:
            files.append(ref)
    written = (*files, *quarantines, write_outcomes(lake, outcomes))
    return StepOutput(written, n_rows, sum(ref.n_rows for ref in files), dict(set_aside))


def in_present_form(lake: Lake, contract: TableContract, ref: FileRef) -> FileRef:
    """`ref`, or, where all that the file lacks of the contract are columns that may be NULL, a file that has them too.

    LakeError where it cannot be read.
    """
    there = dict(_column_types(lake, ref))
    lacking = [column for column in contract.columns if column.name not in there]
    is_known = there.keys() <= {column.name for column in contract.columns}
    if not lacking or not is_known or not all(column.is_nullable for column in lacking):
        return ref
    rows = read_table(lake, ref)
    for column in lacking:
        rows = rows.append_column(column.name, pa.nulls(rows.num_rows, column.type))
    return write_table(lake, contract.qualified_name, rows)


def _run_checks(
    lake: Lake, contract: TableContract, payload: TableToValidate, checks: Sequence[Check]
) -> list[CheckReport]:
    """A report for each check, of views of the table and of what it refers to.

    The types of the columns are read from every file's footer; Great Expectations is asked about them only where a file
    deviates, and then the view shows the first such file alone, so that it finds what deviates.
    """
    from tasks.validation.check_runs import run_checks  # noqa: PLC0415  # SQLAlchemy, for which only a change may pay

    promised = [(column.name, duckdb_type(column.type)) for column in contract.columns]
    deviating = [ref for ref in payload.files if _column_types(lake, ref) != promised]
    asked = [check for check in checks if deviating or check.expectation != OF_TYPE or check not in checks_of(contract)]
    files = deviating[:1] or payload.files
    sources = [source for source in dict.fromkeys(check.source for check in checks) if source]
    with opened_tables(lake, contract, files, payload.referred, sources=sources) as (connection, database):
        told = iter(run_checks(connection, database, contract, asked))
    return [
        next(told) if check in asked else CheckReport(is_success=True, n_unexpected=0, observed={}) for check in checks
    ]


def _column_types(lake: Lake, ref: FileRef) -> list[tuple[str, str]]:
    try:
        return [(field.name, duckdb_type(field.type)) for field in pq.read_schema(lake.locate(ref.path))]
    except (OSError, pa.ArrowInvalid) as error:
        raise LakeError(f"a file of the table {ref.table} cannot be read ({error}): run `tidemill doctor`") from error


def _keeping_outcome(payload: TableToValidate, n_rows: int, set_aside: Counter[str]) -> list[Outcome]:
    """Whether the table keeps most of its rows; nothing where it keeps all. Of a stale table that stops nothing."""
    if not set_aside:
        return []
    n_failing = set_aside.total()
    is_success = n_failing <= max(FEW_ROWS, MOST_SET_ASIDE_SHARE * n_rows)
    observed = canonical_json({"set_aside": dict(set_aside)}).decode()
    severity: Severity = "warning" if payload.is_stale else "critical"
    return [Outcome(payload.contract.qualified_name, KEEPS_ROWS, "", severity, is_success, n_rows, n_failing, observed)]


def _check_was_run(contract: TableContract, checks: Sequence[Check], reports: Sequence[CheckReport]) -> None:
    """Users' own checks may ask what DuckDB cannot do, and are told as failed; the contract's can always be run on its
    columns.
    """
    if any(check.remedy == REDO and not report.is_success for check, report in zip(checks, reports, strict=True)):
        return
    for check, report in zip(checks[: len(checks_of(contract))], reports, strict=False):
        if "error" in report.observed:
            raise SuiteRunError(
                f"{contract.qualified_name}: {check.expectation} on {check.column_name} could not be run "
                f"({report.observed['error']}): "
                "free memory and disk space in the home, then run again"
            )


def _check_agreement(table: str, checks: Sequence[Check], reports: Sequence[CheckReport], n_failing: int) -> None:
    n_told = max(
        (report.n_unexpected or 0 for check, report in zip(checks, reports, strict=True) if check.is_row_rule),
        default=0,
    )
    if n_failing < n_told:
        raise DisagreementError(
            f"{table}: Great Expectations finds {n_told} rows that break a rule, the row rules {n_failing}"
        )


def _take_out(
    lake: Lake, payload: TableToValidate, ref: FileRef, rules: pa.ChunkedArray, stage: str
) -> tuple[FileRef, FileRef]:
    """The file without the rows that break a rule, and the file of `ops.quarantine` that holds those."""
    contract, rows = payload.contract, read_table(lake, ref)
    is_failing = pc.is_valid(rules)
    failing, broken, places = rows.filter(is_failing), pc.drop_null(rules), pc.indices_nonzero(is_failing)
    origin_of = origins_of(lake, contract, failing, payload.origins)
    quarantined = [QUARANTINE.empty()]
    for start in range(
        0, failing.num_rows, ROWS_PER_GROUP
    ):  # as Python values a row takes a hundred times its place in Arrow
        part = slice(start, start + ROWS_PER_GROUP)
        origins = [
            origin or (stage, f"{ref.path}#{place + 1}")
            for origin, place in zip(origin_of[part], places[part].to_pylist(), strict=True)
        ]
        rows_aside = failing.slice(start, ROWS_PER_GROUP)
        quarantined.append(quarantine_table(rows_to_set_aside(contract, rows_aside, broken[part].to_pylist(), origins)))
    kept = write_table(lake, contract.qualified_name, rows.filter(pc.invert(is_failing)))
    return kept, write_table(lake, QUARANTINE.qualified_name, pa.concat_tables(quarantined))
