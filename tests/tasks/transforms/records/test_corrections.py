"""Corrections do what they were written for, once, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from tasks.transforms.records.corrections import CorrectionError, apply_correction, parse_correction

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


def values(correction: Any, rows: pa.Table = ROWS) -> tuple[list[float | None], int, int, bool]:
    corrected = apply_correction(correction, rows)
    assert corrected.rows.schema == rows.schema
    assert corrected.rows.drop_columns(["change_pct"]) == rows.drop_columns(["change_pct"])
    return corrected.rows["change_pct"].to_pylist(), corrected.n_found, corrected.n_so, corrected.is_fitting


def test_only_the_rows_meant_are_corrected():
    assert values(PARKS) == ([13.5, 1350.0, None, 1.0], 1, 1, True)
    assert ROWS["change_pct"].to_pylist() == [1350.0, 1350.0, None, 1.0]


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
    assert values(PARKS, repaired) == ([13.0], 1, 0, False)


def test_more_or_fewer_rows_than_expected_are_left_alone():
    assert values(replace(PARKS, where={"region_id": "SE", "category": "parks"})) == (
        [1350.0, 1350.0, None, 1.0], 2, 2, False,
    )  # fmt: skip
    assert values(replace(PARKS, n_rows=2)) == ([1350.0, 1350.0, None, 1.0], 1, 1, False)
    where = {"region_id": "SE", "observed_on": DAYS[0]}
    assert values(replace(PARKS, where=where)) == ([1350.0, 1350.0, None, 1.0], 2, 1, False)


def test_a_source_that_is_not_here_is_nothing_to_correct():
    assert values(PARKS, ROWS.slice(0, 0)) == ([], 0, 0, True)


@pytest.mark.parametrize(
    ("where", "country"),
    [
        ({"region_id": ["SE", "SE/Skåne"]}, "SE"),
        ({"country_code": "SE", "region_id": "SE/Skåne"}, "SE"),
        ({"region_id": ["SE", "NO"]}, ""),
        ({"category": "parks"}, ""),
        ({"country_code": None}, ""),
    ],
)
def test_a_correction_is_of_one_country(where, country):
    assert replace(PARKS, where=where).country_code == country


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: parks", "name: [", "not readable as YAML"),
        ("n_rows: 1", "", "has exactly the keys"),
        ("n_rows: 1", "n_rows: 1\nmore: 2", "has exactly the keys"),
        (
            "table: mobility",
            "table: nowhere",
            "applied to mobility and policy, not to 'nowhere': mend the source's file",
        ),
        ("table: mobility", "table: [mobility]", "not to ['mobility']"),
        ("region_id: SE", "region: SE", "where names 'region', which no source gives a column of mobility"),
        ("category: parks", "change_pct_trailing_7d: 1.0", "which no source gives a column of mobility"),
        ("region_id: SE, ", "", "names the country_code or the region_id of one country"),
        ("region_id: SE", "region_id: [SE, NZ]", "names the country_code or the region_id of one country"),
        (
            "region_id: SE",
            "region_id: NO",
            "where.region_id is False, but the column holds string: write it so, texts in quotes",
        ),
        ("becomes: {change_pct: 13.5}", "becomes: {change_pct: '13'}", "becomes.change_pct is '13'"),
        ("becomes: {change_pct: 13.5}", "becomes: {category: parks}", "becomes can change change_pct, not 'category'"),
        ("becomes: {change_pct: 13.5}", "becomes: {change_pct: -101.0}", "lies between -100 and 10000"),
        ("becomes: {change_pct: 13.5}", "becomes: {change_pct: .nan}", "lies between -100 and 10000"),
        ("name: parks", "name: Parks!", "name is in snake_case"),
        ("was: {change_pct: 1350.0}", "was: {}", "was maps columns to values"),
        ("n_rows: 1", "n_rows: 0", "n_rows is how many rows"),
        ("reason: decimal point lost", "reason: ''", "neither is empty"),
    ],
)
def test_a_broken_correction_is_refused_in_a_sentence_that_names_the_file(old, new, sentence):
    with pytest.raises(CorrectionError) as caught:
        parse_correction(TEXT.replace(old, new), "parks.yaml")
    assert sentence in str(caught.value)
    assert "parks.yaml" in str(caught.value)
