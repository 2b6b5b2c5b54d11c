import json
import math
from dataclasses import replace

import pytest

from expectations.contracts.ops import QUARANTINE
from expectations.table_contract import repeated_key, split_rows
from tasks.transforms.records.quarantine import SetAside, quarantine_table

ROW = SetAside(
    "mobility",
    "change_pct_above_10000",
    "change_pct is too high: correct it",
    {"change_pct": 1e6},
    "google",
    "a.csv#7",
    "0" * 12,
)


def test_a_row_is_told_in_full_and_keeps_the_contract() -> None:
    table = quarantine_table([ROW, replace(ROW, uri="a.csv#8", vintage=None)])
    assert table.schema.equals(QUARANTINE.arrow_schema())
    first, second = table.to_pylist()
    assert json.loads(first["raw_row"]) == {"change_pct": 1e6}
    assert {name: first[name] for name in ("table_name", "rule", "message", "source", "uri", "vintage")} == {
        name: getattr(ROW, name) for name in ("table_name", "rule", "message", "source", "uri", "vintage")
    }
    assert second["vintage"] is None
    assert split_rows(QUARANTINE, table)[2] == []


def test_no_rows_give_a_table_without_rows() -> None:
    assert quarantine_table([]).equals(QUARANTINE.empty())


def test_the_same_row_in_the_same_place_stands_once_and_any_difference_apart() -> None:
    others = [
        replace(ROW, table_name="policy"),
        replace(ROW, rule="other"),
        replace(ROW, uri="a.csv#8"),
        replace(ROW, row={"change_pct": 2e6}),
    ]
    table = quarantine_table([ROW, ROW, replace(ROW, message="said in other words"), *others])
    assert table.num_rows == 5
    assert not any(repeated_key(QUARANTINE, table).to_pylist())
    assert table["quarantine_id"][0] == quarantine_table([ROW])["quarantine_id"][0]  # whatever stands around it


def test_the_order_of_a_row_s_fields_plays_no_part() -> None:
    ids = [
        quarantine_table([replace(ROW, row=row)])["quarantine_id"].to_pylist()
        for row in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"x": math.nan, "y": [math.inf, {"z": -math.inf}]}, {"x": "nan", "y": ["inf", {"z": "-inf"}]}),
        ({None: ["one field", "too many"], "a": 1, 7: 2}, {"None": ["one field", "too many"], "a": 1, "7": 2}),
        ({"x": b"\xff", "y": {1}}, {"x": "b'\\xff'", "y": "{1}"}),
        ({"x": "nul \0, lone \udc80, 漢字"}, {"x": "nul \0, lone ?, 漢字"}),
        ({}, {}),
    ],
    ids=["not finite", "ragged", "no JSON", "no UTF-8", "empty"],
)
def test_any_row_has_a_form_that_other_readers_of_json_take(
    row: dict[object, object], shown: dict[str, object]
) -> None:
    (line,) = quarantine_table([replace(ROW, row=row)]).to_pylist()
    assert json.loads(line["raw_row"], parse_constant=lambda name: pytest.fail(f"{name} is no JSON")) == shown


def test_names_of_files_that_are_no_utf8_are_shown_all_the_same() -> None:
    (line,) = quarantine_table(
        [replace(ROW, uri="caf\udce9.txt", message="caf\udce9.txt is empty", source="s\udce9")]
    ).to_pylist()
    assert (line["uri"], line["message"], line["source"]) == ("caf?.txt", "caf?.txt is empty", "s?")
