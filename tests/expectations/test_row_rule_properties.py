"""Row rules and keys against one value at a time, for any values, chunks and castable types."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_rules import first_broken_rule, repeats

from expectations.contracts.tables import TABLES
from expectations.table_contract import Column, TableContract, repeated_key, split_rows

CONTRACT = TableContract("t", "a row", ("code", "n"), (
    Column("code", pa.string(), "Code", pattern="[A-Z]{2}|ß+"),
    Column("n", pa.int64(), "Count", minimum=1, maximum=9),
    Column("share", pa.float64(), "Share", is_nullable=True, minimum=0.0, maximum=1.0),
    Column("kind", pa.string(), "Kind", one_of=("a", "ä")),
    Column("day", pa.date32(), "Day", is_nullable=True, minimum=date(2020, 1, 1)),
))  # fmt: skip
ROW = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["AB", "ABC", "ß", "ßß\n", "", None]),
        "n": st.sampled_from([0, 1, 9, 10, None]),
        "share": st.one_of(st.none(), st.floats(-0.5, 1.5), st.just(float("nan")), st.just(float("inf"))),
        "kind": st.sampled_from(["a", "ä", "A", "", None]),
        "day": st.sampled_from([date(2019, 12, 31), date(2020, 1, 1), None]),
    }
)


def table_of(rows: list[dict[str, Any]], n_first: int = 0) -> pa.Table:
    whole = pa.Table.from_pylist(rows, schema=CONTRACT.arrow_schema())
    return pa.concat_tables([whole.slice(0, n_first), whole.slice(n_first)])


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, max_size=8), n_first=st.integers(0, 8))
def test_rows_are_split_as_one_by_one(rows: list[dict[str, Any]], n_first: int) -> None:
    expected = [first_broken_rule(CONTRACT, row) for row in rows]
    kept, aside, rules = split_rows(CONTRACT, table_of(rows, n_first))
    assert rules == [rule for rule in expected if rule is not None]
    assert kept["n"].to_pylist() == [row["n"] for row, rule in zip(rows, expected, strict=True) if rule is None]
    assert aside["n"].to_pylist() == [row["n"] for row, rule in zip(rows, expected, strict=True) if rule is not None]
    assert kept.num_rows + aside.num_rows == len(rows)


@settings(max_examples=100, deadline=None)
@given(
    keys=st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.integers(0, 2)), max_size=9),
    n_first=st.integers(0, 9),
)
def test_keys_are_found_repeated_as_one_by_one(keys: list[tuple[str | None, int]], n_first: int) -> None:
    rows = [{"code": code, "n": n, "share": None, "kind": None, "day": None} for code, n in keys]
    assert repeated_key(CONTRACT, table_of(rows, n_first)).to_pylist() == repeats(keys)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_rows_breaks_nothing(name: str) -> None:
    contract = TABLES[name]
    kept, aside, rules = split_rows(contract, contract.empty())
    assert (kept.num_rows, aside.num_rows, rules) == (0, 0, [])
    assert len(repeated_key(contract, contract.empty())) == 0


def test_rows_of_castable_types_in_any_order_keep_their_types_and_order() -> None:
    rows = pa.table(
        {
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "day": pa.array(["2020-01-01", "2020-01-02"]),
            "share": pa.array([1, 0], pa.int8()),
            "n": pa.array(["7", "10"]),
            "code": pa.array(["AB", "AB"], pa.large_string()),
        }
    )
    kept, aside, rules = split_rows(CONTRACT, rows)
    assert rules == ["n_above_9"]
    assert kept.equals(rows.slice(0, 1))
    assert aside.equals(rows.slice(1))
    assert kept.schema == rows.schema
