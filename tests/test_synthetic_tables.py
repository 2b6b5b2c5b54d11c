"""The synthetic tables of mobility and policy show what the originals show, and the regimes that made them."""

import csv
import io
import re
from datetime import date
from statistics import mean

import pytest
from support import synthetic_tables
from support.mobility_stage import run_stage

from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake

TABLES = synthetic_tables.all_tables()
EARLY = "Global_Mobility_Report.early.csv"
ITALY = "IT_NZ_SE_Region_Mobility_Report.csv"
GERMANY_OLD, GERMANY_NEW = (f"DE_Region_Mobility_Report.vintage-{month}.csv" for month in ("2020-10", "2021-04"))


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(TABLES[name].decode())))


def test_they_are_the_same_bytes_each_time():
    assert synthetic_tables.all_tables() == TABLES


def test_mobility_has_three_schemas_both_date_formats_namibia_and_quoted_commas():
    early = rows_of(EARLY)
    assert {len(rows_of(name)[0]) for name in (ITALY, GERMANY_OLD)} | {len(early[0])} == {15, 14, 11}
    assert {row["country_region_code"] for row in early} == {"NA", "GB"}
    assert any("," in row["sub_region_1"] for row in early)
    assert re.fullmatch(r"\d{1,2}/\d{1,2}/2020", early[0]["date"])
    assert rows_of(ITALY)[0]["date"] == "2020-02-15"
    assert max(row["date"] for row in rows_of(ITALY)) == "2021-03-31"
    assert TABLES[EARLY].count(b"\r\n") == TABLES[EARLY].count(b"\n")


def test_older_vintage_of_germany_overlaps_with_a_few_other_values():
    def numbers(name: str) -> dict[tuple[str, str], list[str]]:
        return {(row["sub_region_1"], row["date"]): list(row.values())[-6:] for row in rows_of(name)}

    old, new = numbers(GERMANY_OLD), numbers(GERMANY_NEW)
    assert old.keys() < new.keys()
    n_revised = sum(old[key] != new[key] for key in old)
    assert 0 < n_revised < 0.03 * len(old)


def test_small_regions_have_gaps_in_parks_and_residential_and_days_left_out():
    rows = [row for row in rows_of(GERMANY_NEW) if row["sub_region_1"] == "Saarland"]
    whole = [row for row in rows_of(GERMANY_NEW) if not row["sub_region_1"]]
    for category in ("parks", "residential"):
        assert sum(not row[f"{category}_percent_change_from_baseline"] for row in rows) > 20
    assert len(rows) < len(whole) == 411


def test_regimes_differ_by_more_than_the_noise():
    workplaces: dict[str, list[int]] = {"baseline": [], "partial": [], "lockdown": []}
    for row in rows_of(ITALY):
        day = date.fromisoformat(row["date"])
        if row["country_region_code"] == "IT" and not row["sub_region_1"] and day.weekday() < 5:
            regime = synthetic_tables.regime_of(synthetic_tables.stringency_on(synthetic_tables.ITALY, day))
            workplaces[regime].append(int(row["workplaces_percent_change_from_baseline"]))
    baseline, partial, lockdown = (mean(workplaces[regime]) for regime in ("baseline", "partial", "lockdown"))
    assert lockdown + 20 < partial < baseline - 20


def test_policy_files_cover_the_mobility_countries_wide_and_long():
    countries = {country.iso3 for country in synthetic_tables.COUNTRIES}
    for index in ("containmenthealth", "stringency"):
        header, *lines = TABLES[f"index_{index}.csv"].decode().splitlines()
        assert header.startswith(",,01jan2020,02jan2020,")
        assert {line.split(",")[1] for line in lines} == countries
        assert {len(line.split(",")) for line in lines} == {2 + 456}
        assert next(line for line in lines if ",NAM," in line).endswith(",.")  # Namibia's last days are not in yet
    rows = rows_of("OxCGRT_long.csv")
    assert {row["CountryCode"] for row in rows} == countries
    assert all(
        0 <= float(row[index]) <= 100 for row in rows for index in ("GovernmentResponseIndex", "EconomicSupportIndex")
    )


@pytest.mark.slow
def test_what_was_put_in_is_published_row_by_row_and_nothing_is_set_aside(tmp_path):
    stage = run_stage(Lake.open(tmp_path / "home"), load_sources(synthetic_tables.declare_tables(tmp_path / "in")))
    published = stage.rows("mobility")
    put_in = {
        (row["country_region_code"], row["sub_region_1"], row["sub_region_2"], row["date"])
        for name in (ITALY, GERMANY_NEW)
        for row in rows_of(name)
    }
    assert published.num_rows == 6 * (len(put_in) + len(rows_of(EARLY)))
    assert stage.rows("policy").num_rows == 6 * 456
    assert stage.set_aside("parse_mobility") == stage.set_aside("parse_policy") == {}
