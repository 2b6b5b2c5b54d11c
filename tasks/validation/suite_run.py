"""Great Expectations run over one table in DuckDB: which of its expectations hold, how many rows break them, and which
rows those are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from expectations.checks import Check
from expectations.suites import suite_of
from expectations.table_contract import TableContract
from tasks.validation import duckdb_dialect
from tasks.validation.database import BATCH, quoted, view_of
from tasks.validation.reports import N_EXAMPLES, CheckReport, key_schema, plain, sets_aside, with_keys

UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")

logging.getLogger("great_expectations").addHandler(logging.NullHandler())  # or its warnings would go to the terminal

Validate = Callable[[Sequence[int], Mapping[str, Any]], dict[int, Any]]


@dataclass(frozen=True)
class _Started:
    """Great Expectations over one view: what validates expectations by their places, what of them observe a figure of a
    column, and the expectations and the engine themselves.
    """

    validate: Validate
    aggregates: frozenset[int]
    expectations: Sequence[Any]
    engine: Any


def run_suite(
    connection: duckdb.DuckDBPyConnection, database: str, contract: TableContract, checks: Sequence[Check]
) -> list[CheckReport]:
    """A report for each of `checks`, in their order, all of Great Expectations and of one source or none. The table is
    the view `batch` in `database`, a named database in memory on which `connection` is open. SuiteError where Great
    Expectations refuses a check.

    First all are counted, those of single rows in one query; only of those that fail is more fetched: numbers, a few
    examples, and the keys of all rows where these are to be set aside.
    """
    if not checks:
        return []
    started = _start(database, contract, checks)
    results = started.validate(
        [place for place in range(len(checks)) if place not in started.aggregates], {"result_format": "BOOLEAN_ONLY"}
    )
    told = [*started.aggregates, *(place for place in results if not results[place].success)]
    results |= started.validate(told, {"result_format": "BASIC", "partial_unexpected_count": N_EXAMPLES})
    reports = []
    for place, check in enumerate(checks):
        report = _report(results[place])
        if report.n_unexpected and not report.is_success and sets_aside(check):
            keys = _failing(connection, started, place, check, [quoted(name) for name in contract.key])
            report = report if keys is None else with_keys(report, keys.cast(key_schema(contract)))
        reports.append(report)
    return reports


def failing_rows(
    connection: duckdb.DuckDBPyConnection, database: str, contract: TableContract, check: Check
) -> pa.Table | None:
    """Every row, whole, that breaks an expectation of Great Expectations; None where it speaks of no single rows."""
    return _failing(connection, _start(database, contract, [check]), 0, check, ["*"])


def _start(database: str, contract: TableContract, checks: Sequence[Check]) -> _Started:
    """Great Expectations, ready for `checks`."""
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
    name = view_of(BATCH, checks[0].source).strip('"')
    batch = source.add_table_asset(contract.name, table_name=name).add_batch_definition_whole_table("whole").get_batch()

    def validate(places: Sequence[int], result_format: Mapping[str, Any]) -> dict[int, Any]:
        if not places:
            return {}
        suite = ExpectationSuite(contract.qualified_name, expectations=[expectations[place] for place in places])
        found: list[Any] = batch.validate(suite, result_format=dict(result_format)).results
        return {result.expectation_config.meta["check"]: result for result in found}

    aggregates = frozenset(
        place for place, expectation in enumerate(expectations) if isinstance(expectation, ColumnAggregateExpectation)
    )
    engine = batch.data.execution_engine
    engine.batch_manager.load_batch_list([batch])  # or a metric asked for by itself finds no batch
    return _Started(validate, aggregates, expectations, engine)


def _failing(
    connection: duckdb.DuckDBPyConnection, started: _Started, place: int, check: Check, columns: Sequence[str]
) -> pa.Table | None:
    """Some columns of every row that breaks an expectation, by the condition under which it counts rows; None where it
    has none.
    """
    if check.expectation in UNIQUE:
        names = check.kwargs.get("column_list") or [check.kwargs["column"]]
        shared = ", ".join(quoted(name) for name in names)
        given = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in names)
        return connection.sql(
            f"SELECT {', '.join(columns)} FROM {view_of(BATCH, check.source)} WHERE {given} "
            f"QUALIFY count(*) OVER (PARTITION BY {shared}) > 1"
        ).to_arrow_table()
    from great_expectations.validator.metric_configuration import MetricConfiguration  # noqa: PLC0415
    from great_expectations.validator.metrics_calculator import MetricsCalculator  # noqa: PLC0415  # as above
    from sqlalchemy import FromClause, literal_column, select  # noqa: PLC0415

    expectation = started.expectations[place]
    name = getattr(expectation, "map_metric", "")
    wanted = expectation.get_validation_dependencies(execution_engine=started.engine).metric_configurations
    if f"{name}.unexpected_count" not in wanted:
        return None
    counted = wanted[f"{name}.unexpected_count"]
    condition, domain, _ = MetricsCalculator(started.engine).get_metric(
        MetricConfiguration(f"{name}.condition", counted.metric_domain_kwargs, counted.metric_value_kwargs)
    )
    rows = started.engine.get_domain_records({**counted.metric_domain_kwargs, **domain})
    query = (
        select(*(literal_column(column) for column in columns))
        .select_from(rows if isinstance(rows, FromClause) else rows.subquery())
        .where(condition)
    )
    compiled = query.compile(dialect=started.engine.engine.dialect, compile_kwargs={"render_postcompile": True})
    values = compiled.construct_params()
    bound = [values[name] for name in compiled.positiontup or ()]
    return connection.execute(str(compiled), bound).to_arrow_table()


def _report(result: Any) -> CheckReport:
    error = _error_of(result.exception_info or {})
    if error:
        return CheckReport(is_success=False, n_unexpected=None, observed={"error": error})
    told = result.result
    observed: dict[str, Any] = {}
    if "observed_value" in told:
        observed["observed"] = plain(told["observed_value"])
    if told.get("details", {}).get("mismatched"):
        observed["mismatched"] = plain(told["details"]["mismatched"])
    if told.get("partial_unexpected_list"):
        observed["examples"] = plain(told["partial_unexpected_list"][:N_EXAMPLES])
    n_unexpected: int | None = told.get("unexpected_count") or (0 if result.success else None)
    return CheckReport(bool(result.success), n_unexpected, observed)


def _error_of(information: Mapping[str, Any]) -> str:
    """The first line of what went wrong in Great Expectations; empty where nothing did."""
    for value in (information, *information.values()):
        if isinstance(value, Mapping) and value.get("exception_message"):
            return str(value["exception_message"]).strip().splitlines()[0]
    return ""
