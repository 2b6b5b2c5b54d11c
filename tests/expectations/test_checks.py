"""Checks made from contracts: complete, with the right severity, in words."""

from datetime import date, datetime

import pyarrow as pa
import pytest

from expectations.checks import LARGEST, Check, checks_of, distinct_names, duckdb_type
from expectations.contracts.tables import TABLES
from expectations.table_contract import Column, TableContract


def checks_of_column(column: Column) -> dict[str, Check]:
    contract = TableContract("t", "a row", (column.name,), (column,))
    return {check.expectation.removeprefix("expect_column_values_to_"): check for check in checks_of(contract)[2:]}


def test_a_table_is_checked_for_its_columns_and_its_key_critically():
    contract = TABLES["tokens"]
    of_columns, of_key, *_ = checks_of(contract)
    assert (of_columns.expectation, of_columns.severity) == ("expect_table_columns_to_match_ordered_list", "critical")
    assert of_columns.kwargs == {"column_list": contract.arrow_schema().names}
    assert (of_key.expectation, of_key.severity) == ("expect_compound_columns_to_be_unique", "critical")
    assert of_key.kwargs == {"column_list": ["doc_id", "position"]}
    assert checks_of(TABLES["documents"])[1].kwargs == {"column": "doc_id"}


def test_critical_checks_say_what_to_do_and_only_checks_of_rows_are_warnings():
    for contract in TABLES.values():
        for check in checks_of(contract):
            assert bool(check.remedy) == (check.severity == "critical")
            assert check.meaning.endswith(".")


@pytest.mark.parametrize(
    ("column", "bounds", "words"),
    [
        (Column("x", pa.int64(), "n", "rows", minimum=0), {"min_value": 0}, "x is at least 0 (rows)."),
        (
            Column("x", pa.float64(), "n", minimum=-100.0, maximum=10_000.0),
            {"min_value": -100.0, "max_value": 10_000.0},
            "x lies between -100 and 10,000.",
        ),
        (Column("x", pa.float64(), "n", minimum=1.0), {"min_value": 1.0, "max_value": LARGEST}, "x is at least 1."),
        (Column("x", pa.float64(), "n"), {"min_value": -LARGEST, "max_value": LARGEST}, "x is a finite number."),
        (
            Column("x", pa.date32(), "n", maximum=date(2020, 1, 2)),
            {"max_value": datetime(2020, 1, 2)},  # noqa: DTZ001  # as Great Expectations wants a day
            "x is at most 2020-01-02.",
        ),
    ],
    ids=["count", "both", "lower", "none", "date"],
)
def test_bounds_are_inclusive_and_shut_out_nan_and_infinity(column, bounds, words):
    check = checks_of_column(column)["be_between"]
    assert check.kwargs == {"column": "x", **bounds}
    assert check.meaning == words


def test_a_column_without_promises_is_checked_for_its_type_alone():
    assert list(checks_of_column(Column("x", pa.string(), "Text", is_nullable=True))) == ["be_of_type"]


def test_patterns_match_whole_values():
    (check,) = [
        check
        for name, check in checks_of_column(Column("x", pa.string(), "n", pattern="a|b")).items()
        if name == "match_regex"
    ]
    assert check.kwargs["regex"] == "^(?:a|b)$"


def test_a_reference_says_which_column_of_which_table_it_means():
    check = checks_of(TABLES["duplicates"])[-1]
    assert (check.column_name, check.rule, check.severity) == ("kept_doc_id", "kept_doc_id_not_in_documents", "warning")
    assert check.kwargs == {"columns": ("kept_doc_id",), "table": "documents", "to": ("doc_id",)}


def test_every_type_of_every_contract_has_a_duckdb_name():
    names = {duckdb_type(column.type) for contract in TABLES.values() for column in contract.columns}
    assert names == {
        "VARCHAR",
        "BIGINT",
        "INTEGER",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "FLOAT[]",
        "VARCHAR[]",
    }
    assert duckdb_type(pa.int8()) == "int8"


def test_names_of_checks_are_distinct_on_the_same_columns():
    same = Check("e", ("a",), "info", {}, "")
    assert distinct_names([same, Check("e", ("b",), "info", {}, ""), same, same]) == ["e", "e", "e 2", "e 3"]
