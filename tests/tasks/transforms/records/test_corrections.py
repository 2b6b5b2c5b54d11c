"""Corrections do what they were written for, once, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from tasks.intake.corrections import CORRECTIONS, load_corrections
from tasks.transforms.records.corrections import CorrectionError, apply_correction, check_corrected, parse_correction

TEXT = """
name: parks
table: mobility
where: {region_id: SE, category: parks, observed_on: 2020-03-01}
was: {change_pct: 1350.0}
becomes: {change_pct: 13.5}
reason: decimal point lost
authority: the publisher
n_rows: 1
"""
PARKS = parse_correction(TEXT, "parks.yaml")
DAYS = [date(2020, 3, day) for day in (1, 2, 3)]


def rows_of(*values: tuple[str, date, str, float | None]) -> pa.Table:
    names = ("region_id", "observed_on", "category", "change_pct")
    types = (pa.string(), pa.date32(), pa.string(), pa.float64())
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in values], schema=pa.schema(list(zip(names, types, strict=True)))
    )


ROWS = rows_of(
    ("SE", DAYS[0], "parks", 1350.0),
    ("SE", DAYS[1], "parks", 1350.0),
    ("NO", DAYS[0], "parks", None),
    ("SE", DAYS[0], "workplaces", 1.0),
)


def values(correction: Any, rows: pa.Table = ROWS) -> tuple[list[float | None], int, int]:
    corrected = apply_correction(correction, rows)
    assert corrected.rows.schema == rows.schema
    assert corrected.rows.drop_columns(["change_pct"]) == rows.drop_columns(["change_pct"])
    return corrected.rows["change_pct"].to_pylist(), corrected.n_found, corrected.n_corrected


def test_only_the_rows_meant_are_corrected():
    assert values(PARKS) == ([13.5, 1350.0, None, 1.0], 1, 1)
    assert ROWS["change_pct"].to_pylist() == [1350.0, 1350.0, None, 1.0]
    check_corrected(PARKS, 1, 1)


@pytest.mark.parametrize(
    ("where", "n_found"),
    [
        ({"observed_on": {"from": DAYS[1]}}, 1),
        ({"observed_on": {"to": DAYS[0]}}, 3),
        ({"observed_on": {"from": DAYS[0], "to": DAYS[1]}, "region_id": ["SE", "NO"]}, 4),
        ({"change_pct": None}, 1),
        ({"change_pct": {"from": 1.0}}, 3),
        ({"region_id": "XX"}, 0),
    ],
    ids=["from", "to", "range and list", "null", "a range never finds null", "nowhere"],
)
def test_where_takes_values_lists_ranges_and_null(where, n_found):
    assert values(replace(PARKS, where=where))[1] == n_found


def test_what_is_not_published_can_become_a_value_and_a_value_nothing():
    assert values(replace(PARKS, where={"region_id": "NO"}, was={"change_pct": None}))[0] == [1350.0, 1350.0, 13.5, 1.0]
    assert values(replace(PARKS, becomes={"change_pct": None}))[0] == [None, 1350.0, None, 1.0]


def test_a_source_that_was_repaired_is_left_alone_and_told():
    repaired = rows_of(("SE", DAYS[0], "parks", 13.0))
    assert values(PARKS, repaired) == ([13.0], 1, 0)
    with pytest.raises(
        CorrectionError,
        match=r"parks expects 1 rows .* of 1 rows there 0 are so: if the source has been repaired remove",
    ):
        check_corrected(PARKS, 1, 0)


@pytest.mark.parametrize(("n_found", "n_corrected"), [(2, 2), (2, 1), (1, 0)])
def test_other_numbers_than_expected_are_told(n_found, n_corrected):
    with pytest.raises(CorrectionError):
        check_corrected(PARKS, n_found, n_corrected)


def test_a_source_that_is_not_here_is_nothing_to_correct():
    assert values(PARKS, ROWS.slice(0, 0)) == ([], 0, 0)
    check_corrected(PARKS, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: parks", "name: [", "not readable as YAML"),
        ("n_rows: 1", "", "has exactly the keys"),
        ("n_rows: 1", "n_rows: 1\nmore: 2", "has exactly the keys"),
        ("table: mobility", "table: nowhere", "no table 'nowhere'"),
        ("table: mobility", "table: ops.ledger", "no table 'ops.ledger'"),
        ("region_id: SE", "region: SE", "where names 'region', which is no column of mobility"),
        (
            "region_id: SE",
            "region_id: NO",
            "where.region_id is False, but the column holds string: write it so, texts in quotes",
        ),
        ("becomes: {change_pct: 13.5}", "becomes: {change_pct: '13'}", "becomes.change_pct is '13'"),
        ("becomes: {change_pct: 13.5}", "becomes: {category: parks}", "cannot change the key"),
        ("was: {change_pct: 1350.0}", "was: {}", "was maps columns to values"),
        ("n_rows: 1", "n_rows: 0", "n_rows is how many rows"),
        ("reason: decimal point lost", "reason: ''", "none is empty"),
    ],
    ids=[
        "yaml",
        "missing",
        "unknown",
        "table",
        "ops",
        "column",
        "norway",
        "type",
        "key",
        "no guard",
        "count",
        "no reason",
    ],
)
def test_a_broken_correction_is_refused_in_a_sentence_that_names_the_file(old, new, sentence):
    with pytest.raises(CorrectionError) as caught:
        parse_correction(TEXT.replace(old, new), "parks.yaml")
    assert sentence in str(caught.value)
    assert "parks.yaml" in str(caught.value)


def test_corrections_are_loaded_by_name_and_each_name_once(tmp_path):
    (tmp_path / "b.yaml").write_text(TEXT)
    (tmp_path / "a.yaml").write_text(TEXT.replace("name: parks", "name: other"))
    assert [one.name for one in load_corrections(tmp_path)] == ["other", "parks"]
    (tmp_path / "c.yaml").write_text(TEXT)
    with pytest.raises(CorrectionError, match=r"c\.yaml: another correction is called parks"):
        load_corrections(tmp_path)


def test_corrections_that_lie_here_are_whole():
    load_corrections(CORRECTIONS)
    assert (CORRECTIONS / "README.md").is_file()
