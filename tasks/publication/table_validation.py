"""The step that validates one table: its suite is run, rows that break a rule are taken out, every outcome is kept.

A failed check of severity critical leaves the table as it is; `tasks.publication.validation` stops the publish for it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.checks import OF_TYPE, REDO, Check, checks_of, distinct_names, duckdb_type
from expectations.contracts.ops import QUARANTINE, VALIDATIONS
from expectations.suites import checks_of_table, suites_digest
from expectations.table_contract import Severity, TableContract
from tasks.lake.files import ROWS_PER_GROUP, FileRef, canonical_json, read_table, write_table
from tasks.lake.fingerprints import code_version
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import Batch, StepOutput, Task
from tasks.transforms.records.failing_rows import broken_rules, columns_to_read, rows_to_set_aside
from tasks.transforms.records.quarantine import quarantine_table

if TYPE_CHECKING:
    from tasks.publication.suite_run import CheckReport

OUTCOMES = "validation_outcomes"  # the working table in which a validated table's outcomes are kept
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
    """A table's files, the stage that left each, the files of the tables that it refers to, and where users' own suites
    lie.

    `is_stale`: it stands published as it is, and only what it refers to is new. Rows whose reference has gone are set
    aside until their stage is done again, however many they are.
    """

    contract: TableContract
    files: tuple[FileRef, ...]
    stages: tuple[str, ...]
    referred: Mapping[str, tuple[FileRef, ...]]
    referred_contracts: Mapping[str, TableContract]
    suites: str
    is_stale: bool = False

    def task(self) -> Task:
        """The task that validates it; the same again is reused."""
        contracts = [self.contract, *self.referred_contracts.values()]
        table = self.contract.qualified_name
        settings: dict[str, Any] = {
            "contracts_sha256": [hashlib.sha256(repr(contract).encode()).hexdigest() for contract in contracts],
            "own_suite_sha256": suites_digest(table, Path(self.suites)),
        }
        if self.is_stale:
            settings["is_stale"] = True
        referred = [f"{name} {ref.sha256}" for name, refs in self.referred.items() for ref in refs]
        batch = Batch(table, (*(ref.sha256 for ref in self.files), *referred), self, settings)
        return Task("validate_table", validate_table, batch, code_version(validate_table))


@dataclass(frozen=True)
class Outcome:
    """What came of one check of a table, as `ops.validations` tells it (without run and time)."""

    table_name: str
    expectation: str
    column_name: str
    severity: Severity
    is_success: bool
    n_rows: int
    n_unexpected: int | None
    observed: str | None


def validate_table(lake: Lake, payload: TableToValidate) -> StepOutput:
    """Leaves the table's files in their order, those with failing rows replaced; for each of the latter a file of
    `ops.quarantine`, in the same order; and a file of outcomes. Nothing is replaced where a critical check fails.
    """
    contract = payload.contract
    checks = checks_of_table(contract, Path(payload.suites))
    n_rows = sum(ref.n_rows for ref in payload.files)
    reports = _run_checks(lake, contract, payload, checks)
    _check_was_run(contract, checks, reports)
    outcomes = _outcomes(contract.qualified_name, checks, reports, n_rows)
    rules: Mapping[FileRef, pa.ChunkedArray] = {}
    if not has_critical_failure(outcomes):
        rules = _failing_rules(lake, contract, payload.files, checks, reports)
        set_aside = Counter(rule for of_file in rules.values() for rule in pc.drop_null(of_file).to_pylist())
        _check_agreement(contract.qualified_name, checks, reports, set_aside.total())
        outcomes += _keeping_outcome(payload, n_rows, set_aside)
    if not rules or has_critical_failure(outcomes):
        return StepOutput((*payload.files, _write_outcomes(lake, outcomes)), n_rows, n_rows)
    files, quarantines = [], []
    for ref, stage in zip(payload.files, payload.stages, strict=True):
        if ref in rules:
            kept, quarantine = _take_out(lake, contract, ref, rules[ref], stage)
            files.append(kept)
            quarantines.append(quarantine)
        else:
            files.append(ref)
    written = (*files, *quarantines, _write_outcomes(lake, outcomes))
    return StepOutput(written, n_rows, sum(ref.n_rows for ref in files), dict(set_aside))


def has_critical_failure(outcomes: Sequence[Outcome]) -> bool:
    """Whether any of them stops the publish."""
    return any(not outcome.is_success and outcome.severity == "critical" for outcome in outcomes)


def read_outcomes(lake: Lake, files: Sequence[FileRef]) -> list[Outcome]:
    """The outcomes that a validated table's record keeps."""
    return [Outcome(**row) for row in read_table(lake, files).to_pylist()]


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
    from tasks.publication.suite_run import CheckReport, opened_database, run_suite  # noqa: PLC0415  # SQLAlchemy, for which only a change may pay

    promised = [(column.name, duckdb_type(column.type)) for column in contract.columns]
    deviating = [ref for ref in payload.files if _column_types(lake, ref) != promised]
    asked = [check for check in checks if deviating or check.expectation != OF_TYPE or check not in checks_of(contract)]
    with opened_database(lake.ops) as (connection, database):
        _create_view(lake, connection, contract, deviating[:1] or payload.files)
        for name, refs in payload.referred.items():
            _create_view(lake, connection, payload.referred_contracts[name], refs)
        told = iter(run_suite(connection, database, contract, asked))
    return [
        next(told) if check in asked else CheckReport(is_success=True, n_unexpected=0, observed={}) for check in checks
    ]


def _create_view(
    lake: Lake, connection: duckdb.DuckDBPyConnection, contract: TableContract, refs: Sequence[FileRef]
) -> None:
    if refs:
        connection.read_parquet([str(lake.locate(ref.path)) for ref in refs]).create_view(contract.name)
    else:
        connection.from_arrow(contract.empty()).create(contract.name)


def _column_types(lake: Lake, ref: FileRef) -> list[tuple[str, str]]:
    try:
        return [(field.name, duckdb_type(field.type)) for field in pq.read_schema(lake.locate(ref.path))]
    except (OSError, pa.ArrowInvalid) as error:
        raise LakeError(f"a file of the table {ref.table} cannot be read ({error}): run `tidemill doctor`") from error


def _outcomes(table: str, checks: Sequence[Check], reports: Sequence[CheckReport], n_rows: int) -> list[Outcome]:
    return [
        Outcome(
            table,
            name,
            check.column_name,
            check.severity,
            report.is_success,
            n_rows,
            report.n_unexpected,
            canonical_json(report.observed).decode() if report.observed else None,
        )
        for name, check, report in zip(distinct_names(checks), checks, reports, strict=True)
    ]


def _keeping_outcome(payload: TableToValidate, n_rows: int, set_aside: Counter[str]) -> list[Outcome]:
    """Whether the table keeps most of its rows; nothing where it keeps all. Of a stale table that stops nothing."""
    if not set_aside:
        return []
    n_failing = set_aside.total()
    is_success = n_failing <= max(FEW_ROWS, MOST_SET_ASIDE_SHARE * n_rows)
    observed = canonical_json({"set_aside": dict(set_aside)}).decode()
    severity: Severity = "warning" if payload.is_stale else "critical"
    return [Outcome(payload.contract.qualified_name, KEEPS_ROWS, "", severity, is_success, n_rows, n_failing, observed)]


def _write_outcomes(lake: Lake, outcomes: Sequence[Outcome]) -> FileRef:
    names = list(Outcome.__dataclass_fields__)
    schema = pa.schema([VALIDATIONS.arrow_schema().field(name) for name in names])
    return write_table(lake, OUTCOMES, pa.Table.from_pylist([asdict(outcome) for outcome in outcomes], schema=schema))


def _failing_rules(
    lake: Lake,
    contract: TableContract,
    files: Sequence[FileRef],
    checks: Sequence[Check],
    reports: Sequence[CheckReport],
) -> dict[FileRef, pa.ChunkedArray]:
    """For each file that holds failing rows, the rule that each of its rows breaks (NULL: none)."""
    failed = [(check, report) for check, report in zip(checks, reports, strict=True) if not report.is_success]
    columns = [check.columns[0] for check, _ in failed if _is_row_rule(check)]
    named = {check.rule: report.keys for check, report in failed if report.keys is not None}
    wanted = columns_to_read(contract, named, columns)
    if not wanted:
        return {}
    failing = {}
    for ref in dict.fromkeys(files):
        rules = broken_rules(contract, read_table(lake, ref, wanted), named)
        if rules.null_count < len(rules):
            failing[ref] = rules
    return failing


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


def _is_row_rule(check: Check) -> bool:
    return check.severity == "warning" and not check.rule


def _check_agreement(table: str, checks: Sequence[Check], reports: Sequence[CheckReport], n_failing: int) -> None:
    n_told = max(
        (report.n_unexpected or 0 for check, report in zip(checks, reports, strict=True) if _is_row_rule(check)),
        default=0,
    )
    if n_failing < n_told:
        raise DisagreementError(
            f"{table}: Great Expectations finds {n_told} rows that break a rule, the row rules {n_failing}"
        )


def _take_out(
    lake: Lake, contract: TableContract, ref: FileRef, rules: pa.ChunkedArray, stage: str
) -> tuple[FileRef, FileRef]:
    """The file without the rows that break a rule, and the file of `ops.quarantine` that holds those."""
    rows = read_table(lake, ref)
    is_failing = pc.is_valid(rules)
    failing, broken, places = rows.filter(is_failing), pc.drop_null(rules), pc.indices_nonzero(is_failing)
    quarantined = [QUARANTINE.empty()]
    for start in range(
        0, failing.num_rows, ROWS_PER_GROUP
    ):  # as Python values a row takes a hundred times its place in Arrow
        part = slice(start, start + ROWS_PER_GROUP)
        aside = rows_to_set_aside(
            contract,
            failing.slice(start, ROWS_PER_GROUP),
            broken[part].to_pylist(),
            places[part].to_pylist(),
            source=stage,
            path=ref.path,
        )
        quarantined.append(quarantine_table(aside))
    kept = write_table(lake, contract.qualified_name, rows.filter(pc.invert(is_failing)))
    return kept, write_table(lake, QUARANTINE.qualified_name, pa.concat_tables(quarantined))
