"""The outcomes of a table's checks, as records keep them and `ops.validations` tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from expectations.checks import Check, distinct_names
from expectations.contracts.ops import VALIDATIONS
from expectations.table_contract import Severity
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.validation.reports import CheckReport

OUTCOMES = "validation_outcomes"  # the working table in which a validated table's outcomes are kept


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


def has_critical_failure(outcomes: Sequence[Outcome]) -> bool:
    """Whether any of them stops the publish."""
    return any(not outcome.is_success and outcome.severity == "critical" for outcome in outcomes)


def read_outcomes(lake: Lake, files: Sequence[FileRef]) -> list[Outcome]:
    """The outcomes that a validated table's record keeps."""
    return [Outcome(**row) for row in read_table(lake, files).to_pylist()]


def outcomes_of(table: str, checks: Sequence[Check], reports: Sequence[CheckReport], n_rows: int) -> list[Outcome]:
    """The outcome of each check, by its name."""
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


def write_outcomes(lake: Lake, outcomes: Sequence[Outcome]) -> FileRef:
    """A file of outcomes; `read_outcomes` reads it."""
    names = list(Outcome.__dataclass_fields__)
    schema = pa.schema([VALIDATIONS.arrow_schema().field(name) for name in names])
    return write_table(lake, OUTCOMES, pa.Table.from_pylist([asdict(outcome) for outcome in outcomes], schema=schema))
