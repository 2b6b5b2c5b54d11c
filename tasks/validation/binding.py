"""What the queries of checks ask: of which tables, and whether all that they name is there."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from expectations.checks import Check
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.suite_format import SuiteError
from expectations.table_contract import TableContract
from tasks.lake.statements import first_line
from tasks.validation.database import BATCH, BEFORE, quoted, view_of
from tasks.validation.queries import is_query, query_of


def tables_read(contract: TableContract, checks: Sequence[Check]) -> tuple[str, ...]:
    """The tables of snapshots, other than its own batch, that the checks of a table ask, sorted."""
    names: set[str] = set()
    for check in checks:
        if check.source:
            by_name = {column.name for column in contract.columns}
            names |= set() if "source" in by_name else {"ops.vintages" if "vintage" in by_name else "documents"}
        if is_query(check):
            names |= _tables_in(query_of(contract, check))
    return tuple(sorted(name for name in names if name in TABLES and name not in EVENT_TABLES))


def require_bound(checks: Mapping[str, Sequence[Check]]) -> None:
    """SuiteError, with file and line, where a query of the checks (by table) is no single SELECT, or names a table or a
    column that is not there.
    """
    asked = [(TABLES[table], check) for table, of_table in checks.items() for check in of_table if is_query(check)]
    if not asked:
        return
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.execute("CREATE SCHEMA ops")
        for name, contract in TABLES.items():
            _create_empty(connection, quoted(name), contract)
        for contract, check in asked:
            for view in (BATCH, BEFORE):
                _create_empty(connection, view_of(view, check.source), contract)
            _require_one_select(connection, check, query_of(contract, check))


def _create_empty(connection: duckdb.DuckDBPyConnection, name: str, contract: TableContract) -> None:
    connection.register("no_rows", contract.empty())
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM no_rows")
    connection.unregister("no_rows")


def _require_one_select(connection: duckdb.DuckDBPyConnection, check: Check, query: str) -> None:
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise SuiteError(f"{check.where}: is no single SELECT: give one query that finds the rows")
        connection.execute(f"DESCRIBE {query}")
    except duckdb.Error as error:
        raise SuiteError(f"{check.where}: DuckDB refuses the query ({first_line(error)}): mend it") from error


@functools.lru_cache(maxsize=1024)
def _tables_in(query: str) -> frozenset[str]:
    """Every name that stands where a table can, in a query that DuckDB can parse; none of one that it cannot."""
    with duckdb.connect() as connection:
        ((parsed,),) = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchall()
    return frozenset(_tables_below(json.loads(parsed)))


def _tables_below(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            schema = node["schema_name"]
            yield f"{schema}.{node['table_name']}" if schema not in ("", "main") else node["table_name"]
        for part in node.values():
            yield from _tables_below(part)
    elif isinstance(node, list):
        for part in node:
            yield from _tables_below(part)
