"""The files that parsing left, as the gate looks at them."""

from datetime import date, timedelta
from itertools import chain

import numpy as np
import pytest
from support.mobility_stage import HEADER, line, put, run_stage

from tasks.mobility.panels import countries_by_uri, mobility_panels, policy_panels, row_files
from tasks.mobility.parsed_files import read_parsed

FIRST = date(2020, 3, 1)
FILES = {
    "report_old.csv": [
        line("SE", "Sweden", "2020-03-01", -1, -2),
        line("SE", "Sweden", "2020-03-01", -3, None, part="Skåne County", place_id="ChIJ1"),
    ],
    "report_new.csv": [
        line("DE", "Germany", "2020-03-02", -9),
        line("SE", "Sweden", "2020-03-02", -5, -6, part="Scania", place_id="ChIJ1"),
        line("SE", "Sweden", "2100-01-01", -5),
    ],
    "report_empty.csv": [],
}
WIDE = ",,01mar2020,02mar2020\nSweden,SWE,10,20\nGermany,DEU,.,5\n"
LONG = (
    "CountryName,CountryCode,RegionName,RegionCode,Jurisdiction,Date,StringencyIndex,ContainmentHealthIndex\n"
    "Sweden,SWE,,,NAT_TOTAL,20200301,11,12\n"
)


@pytest.fixture
def parsed(lake, tmp_path):
    """The step records of parsing, and what it tells of each file."""
    reports = {name: "\n".join([HEADER, *lines]) + "\n" for name, lines in FILES.items()}
    stage = run_stage(lake, put(tmp_path / "in", {**reports, "index_stringency.csv": WIDE, "index_long.csv": LONG}))
    records = {kind: [one for one in stage.steps if one.step == f"parse_{kind}"] for kind in ("mobility", "policy")}
    told = {place: line for (_, place, _), (line,) in read_parsed(lake, chain(*records.values())).items()}
    return records, told


def cells_of(one):
    """Region, day of March and published values by column."""
    cells = {}
    for series, day, values in zip(one.series, one.days, one.values, strict=True):
        there = {name: value for name, value in zip(one.columns, values.tolist(), strict=True) if not np.isnan(value)}
        cells[str(one.region_ids[series]), (date(1970, 1, 1) + timedelta(days=int(day)) - FIRST).days + 1] = there
    return cells


def test_mobility_panels_hold_the_rows_of_both_fetches_on_the_identifiers_of_the_old_one(lake, parsed):
    records, told = parsed
    old, new = [told["report_old.csv"]], [told["report_new.csv"]]
    files = row_files("mobility", records["mobility"], [*old, *new])
    one, other = mobility_panels(lake, files, old, new)
    retail, grocery = one.columns[:2]
    assert cells_of(one) == {("SE", 1): {retail: -1, grocery: -2}, ("SE/Skåne County", 1): {retail: -3}}
    assert cells_of(other) == {("DE", 2): {retail: -9}, ("SE/Skåne County", 2): {retail: -5, grocery: -6}}
    assert (one.n_rows_in, one.n_broken, other.n_rows_in, other.n_broken) == (2, 0, 3, 1)
    assert sorted(zip(other.region_ids.tolist(), other.country_codes.tolist(), strict=True)) == [
        ("DE", "DE"),
        ("SE/Skåne County", "SE"),
    ]


def test_a_fetch_without_rows_is_an_empty_panel(lake, parsed):
    records, told = parsed
    empty = [told["report_empty.csv"]]
    files = row_files("mobility", records["mobility"], empty)
    assert (dict(files.rows), files.regions) == ({}, ())
    old, new = mobility_panels(lake, files, [], empty)
    assert (len(old.days), len(new.days), new.values.shape[1]) == (0, 0, 6)


def test_the_files_are_those_of_the_items_alone(lake, parsed):
    records, told = parsed
    one = told["report_old.csv"]
    files = row_files("mobility", records["mobility"], [one])
    assert list(files.rows) == [one.rows_sha256]
    assert files.n_rows == {one.rows_sha256: 2}
    assert countries_by_uri(lake, files)["report_old.csv"] == {"SE"}
    both = row_files("mobility", records["mobility"], [one, told["report_new.csv"]])
    assert countries_by_uri(lake, both) == {"report_old.csv": {"SE"}, "report_new.csv": {"SE", "DE"}}


def test_items_of_several_batches_are_found_together(lake, tmp_path):
    steps = []
    for name, country, value in (("one", "SE", -1), ("two", "NO", -2)):
        content = "\n".join([HEADER, line(country, name, "2020-03-01", value)]) + "\n"
        steps += run_stage(lake, put(tmp_path / name, {f"report_{name}.csv": content})).steps
    records = [one for one in steps if one.step == "parse_mobility"]
    items = [item for (item,) in read_parsed(lake, records).values()]
    files = row_files("mobility", records, items)
    assert countries_by_uri(lake, files) == {"report_one.csv": {"SE"}, "report_two.csv": {"NO"}}
    assert len(files.rows) == 2


def test_policy_panels_have_the_indices_of_each_side(lake, parsed):
    records, told = parsed
    wide, long = [told["index_stringency.csv"]], [told["index_long.csv"]]
    files = row_files("policy", records["policy"], [*wide, *long])
    old, new = policy_panels(lake, files, wide, long)
    assert cells_of(old) == {
        ("SE", 1): {"stringency_index": 10},
        ("SE", 2): {"stringency_index": 20},
        ("DE", 1): {},
        ("DE", 2): {"stringency_index": 5},
    }
    assert cells_of(new) == {("SE", 1): {"stringency_index": 11, "containment_health_index": 12}}
    assert new.columns[:2] == ("containment_health_index", "stringency_index")
    assert countries_by_uri(lake, files) == {}


def test_several_policy_files_of_a_fetch_are_one_panel_and_none_is_an_empty_one(lake, parsed):
    records, told = parsed
    items = [told["index_long.csv"], told["index_stringency.csv"]]
    files = row_files("policy", records["policy"], items)
    none, both = policy_panels(lake, files, [], items)
    assert (len(none.days), none.values.shape) == (0, (0, 0))
    assert {key for key in cells_of(both) if key[0] == "DE"} == {("DE", 1), ("DE", 2)}
    assert (both.n_rows_in, both.n_broken) == (sum(item.n_rows_in for item in items), 0)
