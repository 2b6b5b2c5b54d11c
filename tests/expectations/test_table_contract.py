"""Row rules, by hand: each finds what it says and nothing else."""

import math
from datetime import date

import pyarrow as pa
import pytest

from expectations.contracts.tables import TABLES
from expectations.table_contract import (
    Column,
    Reference,
    TableContract,
    breaks_rule,
    repeated_key,
    row_rules,
    split_rows,
)


def contract_of(column: Column) -> TableContract:
    return TableContract("t", "a row", ("x",), (column,))


def broken(column: Column, values: list[object]) -> dict[str, list[int]]:
    """For each rule the places of the values that break it."""
    rows = pa.table({"x": pa.array(values, column.type)})
    contract = contract_of(column)
    masks = {rule.name: breaks_rule(contract, rule, rows).to_pylist() for rule in row_rules(contract)}
    return {name: [place for place, is_broken in enumerate(mask) if is_broken] for name, mask in masks.items()}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (Column("x", pa.string(), "Text"), ["", None], {"x_missing": [1]}),
        (
            Column("x", pa.float64(), "Share", is_nullable=True, minimum=0.0, maximum=1.0),
            [0.0, 1.0, -0.1, 1.1, math.nan, math.inf, None],
            {"x_not_finite": [4, 5], "x_below_0.0": [2, 4], "x_above_1.0": [3, 4, 5]},
        ),
        (
            Column("x", pa.float32(), "Number", is_nullable=True),
            [1.0, math.nan, -math.inf, None],
            {"x_not_finite": [1, 2]},
        ),
        (Column("x", pa.int32(), "Count", is_nullable=True, minimum=1), [0, 1, None], {"x_below_1": [0]}),
        (
            Column("x", pa.date32(), "Day", is_nullable=True, minimum=date(2020, 1, 1)),
            [date(2019, 12, 31), date(2020, 1, 1), None],
            {"x_below_2020-01-01": [0]},
        ),
        (
            Column("x", pa.string(), "Kind", is_nullable=True, one_of=("ä", "b")),
            ["ä", "A", "", None],
            {"x_not_listed": [1, 2]},
        ),
        (
            Column("x", pa.string(), "Code", is_nullable=True, pattern="[A-Z]{2}|x"),
            ["AB", "ABC", "x", "xx", "AB\n", "", None],
            {"x_malformed": [1, 3, 4, 5]},
        ),
    ],
    ids=["null", "bounds", "finite", "minimum", "date", "set", "pattern"],
)
def test_a_rule_finds_what_its_name_says(column, values, expected):
    assert broken(column, values) == expected


def test_rows_are_split_by_the_first_rule_that_they_break():
    contract = contract_of(Column("x", pa.float64(), "Share", minimum=0.0, maximum=1.0))
    rows = pa.table({"x": [0.5, math.nan, None, 2.0, 1.0]})
    kept, aside, rules = split_rows(contract, rows)
    assert kept["x"].to_pylist() == [0.5, 1.0]
    assert aside.num_rows + kept.num_rows == rows.num_rows
    assert rules == ["x_not_finite", "x_missing", "x_above_1.0"]


def test_a_repeated_key_is_told_from_its_second_row_on():
    rows = pa.table({"x": ["a", "b", "a", None, None, "a"]})
    assert repeated_key(contract_of(Column("x", pa.string(), "Text")), rows).to_pylist() == [
        False,
        False,
        True,
        False,
        True,
        True,
    ]


def test_a_contract_refuses_a_key_or_a_reference_that_is_not_its_own():
    columns = (Column("x", pa.string(), "Text"),)
    with pytest.raises(ValueError, match="hold the key"):
        TableContract("t", "a row", ("y",), columns)
    with pytest.raises(ValueError, match="its own columns"):
        TableContract("t", "a row", ("x",), columns, references=(Reference("y", "t", "x"),))


def test_every_reference_leads_to_a_column_of_the_same_type():
    references = [(contract, held) for contract in TABLES.values() for held in contract.references]
    assert references
    for contract, held in references:
        assert contract.column(held.column).type == TABLES[held.table].column(held.to_column).type
        assert TABLES[held.table].schema == "main"
