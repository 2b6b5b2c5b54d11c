"""Great Expectations in DuckDB: it finds what the contract's row rules find in Arrow, and nothing else."""

import logging
import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.checks import Check, checks_of
from expectations.table_contract import Column, Reference, TableContract, breaks_rule, row_rules
from tasks.validation.check_runs import run_checks
from tasks.validation.database import BATCH, opened_database
from tasks.validation.reports import CheckReport

pytestmark = pytest.mark.slow  # Great Expectations takes two to three seconds to import

EVERY_KIND = TableContract("every_kind", "a row of every kind of column", ("id", "flag"), (
    Column("id", pa.int64(), "Number"),
    Column("flag", pa.bool_(), "Flag", is_nullable=True),
    Column("n", pa.int32(), "Count", is_nullable=True, minimum=0, maximum=5),
    Column("share", pa.float64(), "Share", is_nullable=True, minimum=0.0, maximum=1.0),
    Column("amount", pa.float64(), "Without bounds", is_nullable=True),
    Column("at_least", pa.float64(), "With a lower bound", is_nullable=True, minimum=1.0),
    Column("observed_on", pa.date32(), "Day", is_nullable=True, minimum=date(2020, 1, 1), maximum=date(2021, 12, 31)),
    Column("kind", pa.string(), "Kind", is_nullable=True, one_of=("a", "ä'b", "%s")),
    Column("code", pa.string(), "Code", pattern="[A-Z]{2}|x|straße"),
    Column("vector", pa.list_(pa.float32()), "Vector", is_nullable=True),
))  # fmt: skip

NUMBERS = st.none() | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 1e-320, 0.5, -1.0, 2.0, 1e308])
DAYS = [date(2019, 12, 31), date(2020, 1, 1), date(2021, 12, 31), date(2022, 1, 1), date(1, 1, 1)]
CODES = [None, "AB", "xAB", "ABx", "AB\n", "x", "\nx", "", "ÄÖ", "straße", "strasse", "{batch}", "A B"]
ROWS = st.lists(
    st.fixed_dictionaries({
        "flag": st.sampled_from([True, False, None]),
        "n": st.none() | st.sampled_from([-1, 0, 5, 6]),
        "share": NUMBERS, "amount": NUMBERS, "at_least": NUMBERS,
        "observed_on": st.none() | st.sampled_from(DAYS),
        "kind": st.sampled_from([None, "a", "ä'b", "%s", "A", "", "ä", "$1"]),
        "code": st.sampled_from(CODES),
        "vector": st.sampled_from([None, [], [1.0], [math.nan]]),
    }),
    max_size=8,
)  # fmt: skip

RULES_OF = {
    "expect_column_values_to_not_be_null": {"null"},
    "expect_column_values_to_be_between": {"not_finite", "below", "above"},
    "expect_column_values_to_be_in_set": {"unlisted"},
    "expect_column_values_to_match_regex": {"unmatched"},
}


@contextmanager
def database(**tables: pa.Table) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Views of Parquet files, as in earnest: DuckDB concludes from their statistics what it does not from memory."""
    with tempfile.TemporaryDirectory() as folder, opened_database(Path(folder)) as (connection, name):
        for table, rows in tables.items():
            path = Path(folder) / f"{table}.parquet"
            pq.write_table(rows, path)
            connection.read_parquet(str(path)).create_view(BATCH if table in {"every_kind", "child"} else table)
        yield connection, name


def every_kind(rows: Sequence[dict[str, Any]]) -> pa.Table:
    numbered = [
        {"id": number, **dict.fromkeys(EVERY_KIND.arrow_schema().names[1:]), **row} for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(numbered, schema=pa.schema([(c.name, c.type) for c in EVERY_KIND.columns]))


def reports_of(rows: pa.Table, checks: Sequence[Check] = checks_of(EVERY_KIND), **more: pa.Table) -> list[CheckReport]:
    with database(every_kind=rows, **more) as (connection, name):
        return run_checks(connection, name, EVERY_KIND, checks)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(ROWS)
def test_great_expectations_and_row_rules_find_the_same_rows(rows):
    table = every_kind(rows)
    for check, report in zip(checks_of(EVERY_KIND), reports_of(table), strict=True):
        if check.expectation in RULES_OF:
            masks = [
                breaks_rule(EVERY_KIND, rule, table).to_pylist()
                for rule in row_rules(EVERY_KIND)
                if rule.column == check.columns[0] and rule.kind in RULES_OF[check.expectation]
            ]
            expected = sum(any(broken) for broken in zip(*masks, strict=True))
            assert (report.n_unexpected, report.is_success) == (expected, expected == 0), check
        else:
            assert report.is_success, check


def test_a_nan_that_the_statistics_hide_is_found():
    checks = [
        check
        for check in checks_of(EVERY_KIND)
        if check.expectation.endswith("between") and check.columns == ("share",)
    ]
    (report,) = reports_of(every_kind([{"share": 0.5}, {"share": math.nan}]), checks)
    assert (report.is_success, report.n_unexpected) == (False, 1)


def test_every_row_check_has_been_seen_to_fail():
    table = every_kind([{"code": None, "n": 9, "share": math.nan, "amount": math.inf, "at_least": -1.0, "kind": "?",
                         "observed_on": date(1999, 1, 1)}, {"code": "?"}])  # fmt: skip
    failed = {
        (check.expectation, check.column_name)
        for check, report in zip(checks_of(EVERY_KIND), reports_of(table), strict=True)
        if not report.is_success
    }
    expected = {
        (check.expectation, check.column_name) for check in checks_of(EVERY_KIND) if check.expectation in RULES_OF
    }
    assert failed == expected - {("expect_column_values_to_not_be_null", "id")}


def test_a_table_without_rows_validates_well():
    assert all(report.is_success and not report.n_unexpected for report in reports_of(every_kind([])))


def test_repeated_keys_are_counted_and_shown():
    rows = pa.concat_tables([every_kind([{"code": "x", "flag": True}])] * 3)
    (report,) = (
        report
        for check, report in zip(checks_of(EVERY_KIND), reports_of(rows), strict=True)
        if "unique" in check.expectation
    )
    assert (report.is_success, report.n_unexpected) == (False, 3)
    assert report.observed["examples"] == [{"id": 0, "flag": True}] * 3


def test_another_column_order_and_another_type_are_found():
    rows = every_kind([{"code": "x"}])
    swapped = rows.select(["flag", "id", *rows.column_names[2:]]).set_column(2, "n", rows["n"].cast(pa.int64()))
    reports = zip(checks_of(EVERY_KIND), reports_of(swapped), strict=True)
    failed = [
        (check.expectation, check.column_name, report.observed) for check, report in reports if not report.is_success
    ]
    assert [(name, column) for name, column, _ in failed] == [
        ("expect_table_columns_to_match_ordered_list", ""), ("expect_column_values_to_be_of_type", "n"),
    ]  # fmt: skip
    assert failed[0][2]["mismatched"][0] == {"Expected Column Position": 0, "Expected": "id", "Found": "flag"}
    assert failed[1][2] == {"observed": "BIGINT"}


def test_a_missing_column_is_told_not_raised():
    reports = zip(checks_of(EVERY_KIND), reports_of(every_kind([{"code": "x"}]).drop_columns(["code"])), strict=True)
    errors = {check.column_name: report.observed["error"] for check, report in reports if "error" in report.observed}
    assert errors == {"code": 'Error: The column "code" in BatchData does not exist.'}


def test_rows_that_refer_to_nothing_are_named_by_their_keys():
    contract = TableContract("child", "a child", ("id",), (
        Column("id", pa.int64(), "Number"), Column("of", pa.string(), "Parent", is_nullable=True),
    ), references=(Reference("of", "parent", "name"),))  # fmt: skip
    rows = pa.table({"id": [1, 2, 3, 4], "of": ["ä", None, "gone", "gone too"]})
    with database(child=rows, parent=pa.table({"name": ["ä", None]})) as (connection, name):
        report = run_checks(connection, name, contract, checks_of(contract))[-1]
    assert (report.is_success, report.n_unexpected) == (False, 2)
    assert sorted(report.keys["id"].to_pylist()) == [3, 4]


def own(expectation: str, severity: str = "warning", rule: str = "own_rule", **kwargs: Any) -> Check:
    columns = tuple(value for name, value in kwargs.items() if name.startswith("column"))
    return Check(expectation, columns, severity, kwargs, "A user's own.", rule)  # type: ignore[arg-type]


def test_rows_that_break_a_check_of_ones_own_are_named():
    rows = every_kind(
        [{"code": "AB", "amount": 1.0, "at_least": 2.0}, {"code": "x", "amount": 3.0, "at_least": 2.0}, {"code": "x"}]
    )
    checks = [
        own("expect_column_pair_values_a_to_be_greater_than_b", column_A="at_least", column_B="amount"),
        own("expect_column_value_lengths_to_be_between", column="code", max_value=1),
        own("expect_column_value_lengths_to_be_between", column="code", max_value=1, mostly=0.9),
        own("expect_column_value_lengths_to_be_between", "info", column="code", max_value=1),
        own("sql", sql="SELECT id, flag, code FROM {batch} WHERE code = 'AB'"),
        own("sql", sql="SELECT code FROM {batch} WHERE code = 'AB'"),
        own("expect_column_mean_to_be_between", column="amount", min_value=10),
        own("expect_column_values_to_not_be_null", column="no_such_column"),
    ]
    reports = reports_of(rows, checks)
    assert [report.is_success for report in reports] == [False] * len(checks)
    named = [report.keys["id"].to_pylist() if report.keys is not None else None for report in reports]
    assert named == [[1], [0], None, None, [0], None, None, None]
    assert [report.n_unexpected for report in reports] == [1, 1, 1, 1, 1, 1, None, None]
    assert reports[6].observed == {"observed": 2.0}


def test_examples_are_few_and_short():
    rows = every_kind([{"code": f"{number}" * 1000} for number in range(20)])
    check = next(check for check in checks_of(EVERY_KIND) if check.expectation == "expect_column_values_to_match_regex")
    (report,) = reports_of(rows, [check])
    assert report.n_unexpected == 20
    assert len(report.observed["examples"]) == 5
    assert max(map(len, report.observed["examples"])) <= 201


def test_nothing_is_sent_anywhere(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert all(report.is_success for report in reports_of(every_kind([{"code": "x"}])))


def test_nothing_is_printed_or_logged(capfd):
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # pytest's own handlers are put on silenced loggers too, so they tell nothing here
    logging.getLogger().addHandler(handler)
    try:
        assert not all(report.is_success for report in reports_of(every_kind([{"code": "?"}]), checks_of(EVERY_KIND)))
    finally:
        logging.getLogger().removeHandler(handler)
    assert capfd.readouterr() == ("", "")
    assert [record.name for record in seen] == []


def test_no_database_stays_in_memory():
    reports_of(every_kind([{"code": "x"}]))
    with database() as (connection, _):
        names = connection.sql("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert len(names) == 1
