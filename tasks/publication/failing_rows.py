"""Every row that breaks an expectation, whole: of what the stages last left, before anything was set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from expectations.checks import Check, distinct_names
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.table_contract import RowRule, breaks_rule, row_rules
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifest
from tasks.publication.publishing import read_stages_in_order
from tasks.publication.validation import checks_of_tables
from tasks.validation.binding import tables_read
from tasks.validation.database import opened_tables, quoted
from tasks.validation.queries import is_query, query_of

ROWS_AT_ONCE = 10_000  # our choice: some MB of rows


class UnknownRuleError(Exception):
    """A table or a rule that is not there, or that no single row can break; the message says which there are."""


@dataclass(frozen=True)
class FailingRows:
    """The columns, and the rows as they are read: those of the table, or the groups that a comparison names."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def find_failing_rows(lake: Lake, table: str, rule: str, column: str | None, folders: Sequence[Path]) -> FailingRows:
    """The rows of a table that break a rule, as `ops.quarantine` or `ops.validations` name it (a row rule, the rule of
    a check, or its expectation; `column` where several are called so). UnknownRuleError where there is no such rule.
    """
    if table not in TABLES or table in EVENT_TABLES:
        known = ", ".join(name for name in TABLES if name not in EVENT_TABLES)
        raise UnknownRuleError(f"no table is called {table!r}: give one of {known}")
    contract, checks = TABLES[table], checks_of_tables(folders)[table]
    files = _files_of(lake, table)
    for of_row in row_rules(contract):
        if of_row.name == rule:
            return FailingRows(tuple(contract.arrow_schema().names), _rows_that_break(lake, table, files, of_row))
    named = [
        check
        for name, check in zip(distinct_names(checks), checks, strict=True)
        if rule in (name, check.rule) and column in (None, check.column_name, *check.columns)
    ]
    if not named:
        names = sorted({*distinct_names(checks), *(one.name for one in row_rules(contract))})
        of_column = f" on {column}" if column else ""
        raise UnknownRuleError(f"{table} has no rule {rule!r}{of_column}: there are {', '.join(names)}")
    if len(named) > 1:
        columns = ", ".join(check.column_name for check in named)
        raise UnknownRuleError(f"{table} has {len(named)} rules called {rule}: give --column, one of {columns}")
    return _found_by(lake, table, files, named[0])


def _files_of(lake: Lake, table: str) -> tuple[FileRef, ...]:
    """The table's files as the stages last left them; of stages that left nothing here, as published."""
    manifest = read_manifest(lake)
    stages = {**(manifest.stages if manifest else {}), **{one.stage: one for one in read_stages_in_order(lake)}}
    return tuple(dict.fromkeys(ref for record in stages.values() for ref in record.tables.get(table, ())))


def _rows_that_break(lake: Lake, table: str, files: Sequence[FileRef], rule: RowRule) -> Iterator[tuple[Any, ...]]:
    contract = TABLES[table]
    names = contract.arrow_schema().names
    for ref in files:
        rows = read_table(lake, ref)
        yield from _tuples(rows.filter(breaks_rule(contract, rule, rows)).select(names))


def _found_by(lake: Lake, table: str, files: Sequence[FileRef], check: Check) -> FailingRows:
    """What a check finds; read whole before the database is closed, as columns of Arrow."""
    contract = TABLES[table]
    manifest = read_manifest(lake)
    before = manifest.tables[table] if manifest is not None else ()
    others = {name: _files_of(lake, name) for name in tables_read(contract, [check])}
    sources = [check.source] if check.source else []
    with opened_tables(lake, contract, files, others, before=before, sources=sources) as (connection, database):
        if is_query(check):
            found = connection.sql(query_of(contract, check))
            if set(contract.key) <= set(found.columns):
                key = ", ".join(map(quoted, contract.key))
                found.create_view("found")
                found = connection.sql(f"SELECT * FROM batch SEMI JOIN found USING ({key}) ORDER BY {key}")
            rows = found.to_arrow_table()
        else:
            from tasks.validation.suite_run import failing_rows  # noqa: PLC0415  # Great Expectations takes two to three seconds

            told = failing_rows(connection, database, contract, check)
            if told is None:
                raise UnknownRuleError(
                    f"{check.expectation} speaks of the column or the table, not of single rows: "
                    "the validation report shows what was observed"
                )
            rows = told
    return FailingRows(tuple(rows.column_names), _tuples(rows))


def _tuples(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    for start in range(0, rows.num_rows, ROWS_AT_ONCE):
        part = rows.slice(start, ROWS_AT_ONCE)
        yield from zip(*(part[name].to_pylist() for name in part.column_names), strict=True)
