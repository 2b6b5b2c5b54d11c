"""Great Expectations run over one table in DuckDB: which checks hold, how many rows break them, and which rows those
are.
"""

from __future__ import annotations

import logging
import math
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations.checks import Check
from expectations.suites import suite_of
from expectations.table_contract import TableContract
from tasks.lake.files import TEMPORARY
from tasks.publication import duckdb_dialect

MEMORY_LIMIT = (
    "500MB"  # of DuckDB, which spills beyond: with Great Expectations itself ten million rows stay under 1 GiB
)
N_EXAMPLES = 5  # values shown of those that break a check: enough to see what they have in common
MOST_LISTED = 100_000  # rows that Great Expectations may list for a user's own check: so many keys take some 50 MB
MOST_CHARACTERS = 200  # of one example: a document's whole text says no more than its beginning

logging.getLogger("great_expectations").addHandler(logging.NullHandler())  # or its warnings would go to the terminal

Validate = Callable[[Sequence[int], Mapping[str, Any]], dict[int, Any]]


@dataclass(frozen=True)
class CheckReport:
    """What came of a check. `n_unexpected` is None where rows cannot be counted; `keys` (a row each) name the rows that
    break it, where it is a check of severity warning that the contract's own row rules do not tell, and they can be
    told.
    """

    is_success: bool
    n_unexpected: int | None
    observed: Mapping[str, Any]
    keys: pa.Table | None = None


@contextmanager
def opened_database(folder: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database in memory and its name, gone at the end; what does not fit into its memory spills into `folder`."""
    database = f":memory:{uuid.uuid4().hex}"
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=TEMPORARY) as spill,
        duckdb.connect(database) as connection,
    ):
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [spill])
        connection.execute("SET preserve_insertion_order = false")
        # Parquet's statistics leave NaN out, and DuckDB 1.5 trusts them: a column of 0.5 and NaN would be told to lie
        # below 1.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        yield connection, database


def run_suite(
    connection: duckdb.DuckDBPyConnection, database: str, contract: TableContract, checks: Sequence[Check]
) -> list[CheckReport]:
    """A report for each of `checks`, in their order. The table and all that it refers to are views (named without their
    schema) in `database`, a named database in memory on which `connection` is open. SuiteError where Great Expectations
    refuses a check.

    First all are counted, those of single rows in one query; only of those that fail is more fetched: numbers and a few
    examples.
    """
    validate, aggregates = _start(database, contract, checks)
    results = validate(
        [place for place in range(len(checks)) if place not in aggregates], {"result_format": "BOOLEAN_ONLY"}
    )
    told = [*aggregates, *(place for place in results if not results[place].success)]
    results |= validate(told, {"result_format": "BASIC", "partial_unexpected_count": N_EXAMPLES})
    reports = []
    for place, check in enumerate(checks):
        report = _report(results[place])
        n_unexpected = report.n_unexpected or 0
        if n_unexpected and not report.is_success and _sets_aside(check):
            if "unexpected_rows_query" in check.kwargs:
                report = _with_keys(report, _found_keys(connection, contract, check))
            elif n_unexpected <= MOST_LISTED:
                listed = {"result_format": "COMPLETE", "unexpected_index_column_names": list(contract.key)}
                report = _with_keys(report, _listed_keys(contract, validate([place], listed)[place]))
            else:
                report = replace(
                    report, observed={**report.observed, "not_set_aside": f"more than {MOST_LISTED:,} rows"}
                )
        reports.append(report)
    return reports


def _start(database: str, contract: TableContract, checks: Sequence[Check]) -> tuple[Validate, set[int]]:
    """What validates some of `checks`, given their places, in a certain result format; and the places of those that
    observe a figure of a column, which is worth telling even where it is as expected.
    """
    logging.getLogger(
        "great_expectations"
    ).propagate = False  # what it has to say stands in its results, not in a run's log
    expectations = suite_of(contract.qualified_name, checks).expectations
    import great_expectations  # noqa: PLC0415  # two to three seconds, which only a table that changed may cost
    from great_expectations.core.expectation_suite import ExpectationSuite  # noqa: PLC0415
    from great_expectations.expectations.expectation import ColumnAggregateExpectation  # noqa: PLC0415

    duckdb_dialect.register_dialect()
    context = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # its own documentation says a mapping
    source = context.data_sources.add_sql(
        database, connection_string=duckdb_dialect.address_of(database), create_temp_table=False
    )
    asset = source.add_table_asset(contract.name, table_name=contract.name)
    batch = asset.add_batch_definition_whole_table("whole").get_batch()

    def validate(places: Sequence[int], result_format: Mapping[str, Any]) -> dict[int, Any]:
        if not places:
            return {}
        suite = ExpectationSuite(contract.qualified_name, expectations=[expectations[place] for place in places])
        found: list[Any] = batch.validate(suite, result_format=dict(result_format)).results
        return {result.expectation_config.meta["check"]: result for result in found}

    return validate, {
        place for place, expectation in enumerate(expectations) if isinstance(expectation, ColumnAggregateExpectation)
    }


def _report(result: Any) -> CheckReport:
    error = _error_of(result.exception_info or {})
    if error:
        return CheckReport(is_success=False, n_unexpected=None, observed={"error": error})
    told = result.result
    observed: dict[str, Any] = {}
    if "observed_value" in told:
        observed["observed"] = _plain(told["observed_value"])
    if told.get("details", {}).get("mismatched"):
        observed["mismatched"] = _plain(told["details"]["mismatched"])
    if told.get("partial_unexpected_list"):
        observed["examples"] = _plain(told["partial_unexpected_list"][:N_EXAMPLES])
    if result.expectation_config.type == "unexpected_rows_expectation":
        return CheckReport(bool(result.success), int(told.get("observed_value", 0)), {})
    n_unexpected: int | None = told.get("unexpected_count") or (0 if result.success else None)
    return CheckReport(bool(result.success), n_unexpected, observed)


def _with_keys(report: CheckReport, keys: pa.Table | None) -> CheckReport:
    if keys is None:
        return report
    return replace(
        report, observed={"examples": _plain(keys.slice(0, N_EXAMPLES).to_pylist()), **report.observed}, keys=keys
    )


def _error_of(information: Mapping[str, Any]) -> str:
    """The first line of what went wrong in Great Expectations; empty where nothing did."""
    for value in (information, *information.values()):
        if isinstance(value, Mapping) and value.get("exception_message"):
            return str(value["exception_message"]).strip().splitlines()[0]
    return ""


def _plain(value: Any) -> Any:
    """`value` in a form that JSON has; long texts cut."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _sets_aside(check: Check) -> bool:
    """Whether the rows that break it are to be named here: those of a warning that asks for every row, outside of the
    row rules.
    """
    return bool(check.rule) and check.severity == "warning" and float(check.kwargs.get("mostly", 1)) == 1.0


def _found_keys(connection: duckdb.DuckDBPyConnection, contract: TableContract, check: Check) -> pa.Table | None:
    """The keys that the check's query finds; None where it does not select the key."""
    query = check.kwargs["unexpected_rows_query"].rstrip("; \t\r\n").format(batch=f'"{contract.name}"')
    found = connection.sql(query)
    if not set(contract.key) <= set(found.columns):
        return None
    key = ", ".join(f'"{name}"' for name in contract.key)
    return found.project(key).distinct().to_arrow_table().cast(_key_schema(contract))


def _listed_keys(contract: TableContract, result: Any) -> pa.Table:
    listed = [{name: row[name] for name in contract.key} for row in result.result["unexpected_index_list"]]
    return pa.Table.from_pylist(listed, schema=_key_schema(contract))


def _key_schema(contract: TableContract) -> pa.Schema:
    return pa.schema([pa.field(name, contract.column(name).type) for name in contract.key])
