"""All checks of a table run: rules of our own by DuckDB, the rest by Great Expectations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from expectations.checks import Check, checks_of
from expectations.table_contract import TableContract
from tasks.lake.statements import first_line
from tasks.validation.database import BATCH, quoted, view_of
from tasks.validation.queries import is_query, query_of
from tasks.validation.reports import N_EXAMPLES, CheckReport, key_schema, plain, sets_aside, with_keys
from tasks.validation.suite_run import UNIQUE, run_suite


def run_checks(
    connection: duckdb.DuckDBPyConnection, database: str, contract: TableContract, checks: Sequence[Check]
) -> list[CheckReport]:
    """A report for each of `checks`, in their order, on the views of `tasks.validation.database`.

    Whether a key repeats is first asked of its digests, which costs a fifth: where all of these differ, all keys do,
    and Great Expectations need not be asked.
    """
    reports: dict[int, CheckReport] = {}
    for place, check in enumerate(checks):
        if is_query(check):
            reports[place] = run_query(connection, contract, check)
        elif check.expectation in UNIQUE and check in checks_of(contract) and _all_differ(connection, contract):
            reports[place] = CheckReport(is_success=True, n_unexpected=0, observed={})
    for source in dict.fromkeys(check.source for check in checks):
        places = [place for place, check in enumerate(checks) if check.source == source and place not in reports]
        found = run_suite(connection, database, contract, [checks[place] for place in places])
        reports |= dict(zip(places, found, strict=True))
    return [reports[place] for place in range(len(checks))]


def run_query(connection: duckdb.DuckDBPyConnection, contract: TableContract, check: Check) -> CheckReport:
    """What came of a rule of our own. What it finds is read but once: keys of rows take little, groups even less."""
    try:
        found = connection.sql(query_of(contract, check))
        if sets_aside(check) and set(contract.key) <= set(found.columns):
            keys = found.project(", ".join(map(quoted, contract.key))).distinct().to_arrow_table()
            report = CheckReport(not keys.num_rows, keys.num_rows, {})
            return with_keys(report, keys.cast(key_schema(contract))) if keys.num_rows else report
        ((n_found,),) = found.count("*").fetchall()
        observed: dict[str, Any] = {"examples": plain(_rows(found.limit(N_EXAMPLES)))} if n_found else {}
    except duckdb.Error as error:
        return CheckReport(is_success=False, n_unexpected=None, observed={"error": first_line(error)})
    return CheckReport(not n_found, n_found, observed)


def _rows(found: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    rows: pa.Table = found.to_arrow_table()
    return rows.to_pylist()


def _all_differ(connection: duckdb.DuckDBPyConnection, contract: TableContract) -> bool:
    """Whether no two rows have one digest of the key; False says nothing. Neither does a table without the columns."""
    key = ", ".join(quoted(name) for name in contract.key)
    try:
        return not connection.sql(
            f"SELECT true FROM {view_of(BATCH, '')} GROUP BY hash({key}) HAVING count(*) > 1 LIMIT 1"
        ).fetchall()
    except duckdb.Error:
        return False
