"""What is checked of a table before it is published: values made from its contract, in Great Expectations' terms or as
rules of our own (`expectations.rules`), and in plain words.

Pure: `tasks.validation` runs them, `tasks.publication.data_docs` shows their words.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa

from expectations.table_contract import Column, Reference, Severity, TableContract

REDO = "the files were written under another contract: run the flow that fills the table again"
MEND_KEY = "two rows of one key cannot both be true: mend the source or the step that wrote them, and run again"
OF_TYPE = "expect_column_values_to_be_of_type"
REFERENCE = "reference"
SQL = "sql"
LARGEST = sys.float_info.max
"""DuckDB orders NaN and infinity above every other number, so an upper bound at the largest double finds both."""


@dataclass(frozen=True)
class Check:
    """An expectation on a table. `expectation` is Great Expectations' name, `sql`, or one of
    `expectations.rules.RULES`; `kwargs` are its arguments. `columns` are those that it speaks of (none: the whole
    table).

    Critical stops the publish, with `remedy`; warning sets the failing rows aside where they can be told; info is only
    told. `rule` is what is true of a row that breaks it; empty where the contract's row rules name it. With `source` it
    looks at the rows of that declared source alone. `where` is the file and line of a user's own.
    """

    expectation: str
    columns: tuple[str, ...]
    severity: Severity
    kwargs: Mapping[str, Any]
    meaning: str
    rule: str = ""
    remedy: str = ""
    source: str = ""
    where: str = field(default="", repr=False, compare=False)

    @property
    def column_name(self) -> str:
        """Its columns joined with a comma; empty = the table."""
        return ",".join(self.columns)

    @property
    def is_row_rule(self) -> bool:
        """Whether the contract's row rules name the rows that break it."""
        return self.severity == "warning" and not self.rule

    @property
    def name(self) -> str:
        """What it is called where it is told: its expectation; of SQL its rule; with the source where it has one."""
        name = self.rule if self.expectation == SQL else self.expectation
        return f"{name} of {self.source}" if self.source else name


def distinct_names(checks: Sequence[Check]) -> list[str]:
    """A name for each check, numbered from the second on where one name stands twice on the same columns."""
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for check in checks:
        identity = (check.name, check.column_name)
        seen[identity] += 1
        names.append(check.name if seen[identity] == 1 else f"{check.name} {seen[identity]}")
    return names


def checks_of(contract: TableContract) -> tuple[Check, ...]:
    """Every check that the contract promises: of the table, of its columns in order, of its references."""
    names = [column.name for column in contract.columns]
    of_table = Check(
        "expect_table_columns_to_match_ordered_list",
        (),
        "critical",
        {"column_list": names},
        f"The columns are {', '.join(names)}, in this order.",
        remedy=REDO,
    )
    of_columns = [check for column in contract.columns for check in _checks_of_column(column)]
    return (
        of_table,
        _check_of_key(contract),
        *of_columns,
        *(_check_of_reference(held) for held in contract.references),
    )


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name for the type that it reads from Parquet where Arrow wrote `kind`; for what no contract uses,
    Arrow's own name.
    """
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{duckdb_type(kind.value_type)}[]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    return _DUCKDB_TYPES.get(str(kind), str(kind))


_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "large_string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
}


def _checks_of_column(column: Column) -> list[Check]:
    """The row checks find, together, the rows that the contract's row rules find."""
    on = {"column": column.name}
    kind = duckdb_type(column.type)
    checks = [
        Check(
            OF_TYPE, (column.name,), "critical", {**on, "type_": kind}, f"{column.name} is of type {kind}.", remedy=REDO
        )
    ]
    if not column.is_nullable:
        checks.append(_row_check(column, "expect_column_values_to_not_be_null", {}, "is never missing"))
    bounds = _bounds(column)
    if bounds:
        checks.append(_row_check(column, "expect_column_values_to_be_between", bounds, _bounds_in_words(column)))
    if column.one_of:
        words = f"is one of {', '.join(column.one_of)}"
        checks.append(
            _row_check(column, "expect_column_values_to_be_in_set", {"value_set": list(column.one_of)}, words)
        )
    if column.pattern:
        regex = f"^(?:{column.pattern})$"
        checks.append(
            _row_check(
                column, "expect_column_values_to_match_regex", {"regex": regex}, f"has the form {column.pattern}"
            )
        )
    return checks


def _row_check(column: Column, expectation: str, kwargs: Mapping[str, Any], words: str) -> Check:
    unit = f" ({column.unit})" if column.unit and expectation.endswith("between") else ""
    return Check(
        expectation, (column.name,), "warning", {"column": column.name, **kwargs}, f"{column.name} {words}{unit}."
    )


def _bounds(column: Column) -> dict[str, Any]:
    """Great Expectations' bounds; of a number with a fraction always both, so that NaN and infinity are found."""
    bounds = {"min_value": _bound(column.minimum), "max_value": _bound(column.maximum)}
    if pa.types.is_floating(column.type):
        bounds = {"min_value": _or(bounds["min_value"], -LARGEST), "max_value": _or(bounds["max_value"], LARGEST)}
    return {name: value for name, value in bounds.items() if value is not None}


def _or(value: Any, otherwise: float) -> Any:
    return otherwise if value is None else value


def _bound(value: float | date | None) -> Any:
    """Dates as date-times: dates as text fail in Great Expectations against real dates."""
    return datetime.combine(value, time(), UTC).replace(tzinfo=None) if isinstance(value, date) else value


def _bounds_in_words(column: Column) -> str:
    low, high = (
        value if value is None or isinstance(value, date) else f"{value:,.10g}"
        for value in (column.minimum, column.maximum)
    )
    if low is not None and high is not None:
        return f"lies between {low} and {high}"
    if low is not None or high is not None:
        return f"is at least {low}" if high is None else f"is at most {high}"
    return "is a finite number"


def _check_of_key(contract: TableContract) -> Check:
    words = f"No two rows share {' and '.join(contract.key)}."
    if len(contract.key) == 1:
        of_one = {"column": contract.key[0]}
        return Check("expect_column_values_to_be_unique", contract.key, "critical", of_one, words, remedy=MEND_KEY)
    of_many = {"column_list": list(contract.key)}
    return Check("expect_compound_columns_to_be_unique", contract.key, "critical", of_many, words, remedy=MEND_KEY)


def _check_of_reference(held: Reference) -> Check:
    return Check(
        REFERENCE,
        (held.column,),
        "warning",
        {"columns": (held.column,), "table": held.table, "to": (held.to_column,)},
        f"{held.column} stands in {held.table}.{held.to_column}.",
        rule=f"{held.column}_not_in_{held.table}",
    )
