"""Rows that break a rule: found by rule and by key, told with their place."""

import math
from datetime import date

import pyarrow as pa

from expectations.table_contract import Column, TableContract
from tasks.transforms.records.failing_rows import broken_rules, columns_to_read, rows_to_set_aside

CONTRACT = TableContract(
    "t",
    "a row",
    ("id", "day"),
    (
        Column("id", pa.string(), "Name"),
        Column("day", pa.date32(), "Day", is_nullable=True),
        Column("share", pa.float64(), "Share", is_nullable=True, maximum=1.0),
    ),
)
DAY = date(2020, 1, 1)
KEY = pa.schema([("id", pa.string()), ("day", pa.date32())])


def rows_of(*rows: tuple[str | None, date | None, float | None]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(CONTRACT.arrow_schema().names, row, strict=True)) for row in rows],
        schema=pa.schema([(c.name, c.type) for c in CONTRACT.columns]),
    )


def keys_of(*keys: tuple[str, date | None]) -> pa.Table:
    return pa.Table.from_pylist([{"id": name, "day": day} for name, day in keys], schema=KEY)


def test_the_first_rule_counts_and_the_contracts_come_first():
    rows = rows_of(("ä", DAY, 0.5), ("ä", DAY, 2.0), ("b", DAY, math.nan), (None, DAY, 9.0), ("c", DAY, None))
    named = {"gone": keys_of(("b", DAY), ("c", DAY)), "too late": keys_of(("c", DAY))}
    assert broken_rules(CONTRACT, rows, named).to_pylist() == [
        None,
        "share_above_1.0",
        "share_not_finite",
        "id_missing",
        "gone",
    ]


def test_a_key_names_every_row_that_has_it_and_no_other():
    rows = rows_of(
        ("a", DAY, None), ("a", date(2020, 1, 2), None), ("b", DAY, None), ("a", DAY, None), ("a", None, None)
    )
    assert broken_rules(CONTRACT, rows, {"gone": keys_of(("a", DAY))}).to_pylist() == ["gone", None, None, "gone", None]
    assert broken_rules(CONTRACT, rows, {"gone": keys_of()}).to_pylist() == [None] * 5


def test_only_columns_at_hand_are_asked():
    rows = rows_of((None, DAY, 2.0)).select(["share"])
    assert broken_rules(CONTRACT, rows, {}).to_pylist() == ["share_above_1.0"]


def test_no_rows_break_no_rule():
    found = broken_rules(CONTRACT, rows_of(), {"gone": keys_of(("a", DAY))})
    assert (len(found), found.type) == (0, pa.string())


def test_only_columns_that_tell_are_read():
    assert columns_to_read(CONTRACT, {}, ["share"]) == ["share"]
    assert columns_to_read(CONTRACT, {"gone": keys_of(("a", DAY))}, ["share"]) == ["id", "day", "share"]
    assert columns_to_read(CONTRACT, {"gone": keys_of()}, []) == []


def test_a_row_is_told_with_its_rule_and_its_place():
    aside = list(
        rows_to_set_aside(CONTRACT, rows_of(("a", DAY, 2.0)), ["share_above_1.0"], [("stage", "t/file.parquet#42")])
    )
    (row,) = aside
    assert (row.table_name, row.rule, row.source, row.uri, row.vintage) == (
        "t",
        "share_above_1.0",
        "stage",
        "t/file.parquet#42",
        None,
    )
    assert row.row == {"id": "a", "day": DAY, "share": 2.0}


def test_a_row_is_told_with_its_vintage():
    rows = pa.table({"vintage": ["0" * 12]})
    (row,) = rows_to_set_aside(CONTRACT, rows, ["r"], [("letters", "a.txt")])
    assert (row.source, row.uri, row.vintage) == ("letters", "a.txt", "0" * 12)
