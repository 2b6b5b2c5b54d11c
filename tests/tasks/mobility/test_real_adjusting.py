"""Values with weekday and holidays apart, documented breaks and the article's maxima, on the real files."""

import csv
import gzip
import io
import zipfile
from collections import Counter, defaultdict
from datetime import date
from statistics import median

import numpy as np
import pyarrow.compute as pc
import pytest
from oracles.slow_containment import LATER_MAXIMA, MAXIMA, containment_index
from support.mobility_stage import run_stage
from support.sections import section_values

from expectations.contracts.mobility import CATEGORIES
from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.mobility.adjusting import EVENTS
from tasks.transforms.mobility.adjustment import mean_around
from tasks.transforms.mobility.known_events import parse_known_events

pytestmark = pytest.mark.slow

POLICY = ("data", "policy")
FETCHED_ON = "20200604"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return Lake.open(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def stage(shared, lake):
    final = [one for one in load_sources(shared / "sources" / "large") if one.name == "policy_final"]
    return run_stage(lake, [*load_sources(shared / "sources" / "small"), *final])


def _series(stage, category):
    """(as published, adjusted) of every region, by day, holidays and days without an effect left out."""
    rows = stage.rows("mobility_adjusted").filter(pc.field("category") == category)
    first = pc.min(rows["observed_on"]).as_py()
    found = defaultdict(lambda: np.full((2, 800), np.nan))
    for row in rows.to_pylist():
        if row["adjusted_pct"] is not None and not row["is_holiday"]:
            day = (row["observed_on"] - first).days
            found[row["region_id"]][:, day] = row["change_pct"], row["adjusted_pct"]
    return found


def _weekday_share(values):
    """Share of the variance around the week's mean that lies between weekdays, mean over blocks of eight weeks."""
    around = (values[None, :, None] - mean_around(values[None, :, None], 3, 5))[0, :, 0]
    shares = []
    for start in range(0, len(around) - 55, 56):
        block = around[start : start + 56].reshape(8, 7)
        if np.count_nonzero(~np.isnan(block)) >= 50 and np.nanvar(block):
            shares.append(np.nanvar(np.nanmean(block, axis=0)) / np.nanvar(block))
    return np.mean(shares) if shares else np.nan


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_weekly_pattern_of_italy_germany_new_zealand_and_sweden_is_gone(stage, category):
    shares = np.array([[_weekday_share(one) for one in pair] for pair in _series(stage, category).values()])
    before, after = shares[~np.isnan(shares).any(axis=1)].T
    assert len(before) > 20
    # Seven means of eight days each hold a ninth of the variance of days without any week. In Italy more is left:
    # weekends were locked down and opened faster than eight weeks can tell.
    assert np.median(before) > 0.3
    assert np.median(after) < min(0.15, np.median(before) / 3)
    assert np.mean(after < before) > 0.95


def test_workplaces_are_far_below_the_days_around_on_holidays_of_a_working_week(stage):
    rows = stage.rows("mobility_adjusted").filter((pc.field("category") == "workplaces") & pc.field("is_holiday"))
    on = {country: [] for country in ("SE", "DE", "IT", "NZ")}
    for row in rows.to_pylist():
        if row["region_id"] in on and row["observed_on"].weekday() < 5 and row["holiday_effect_pct"] is not None:
            on[row["region_id"]].append(row["holiday_effect_pct"])
    assert min(len(effects) for effects in on.values()) >= 4
    assert {country for country, effects in on.items() if median(effects) < -15} == set(on)


def test_every_value_is_its_parts_again(stage):
    rows = stage.rows("mobility_adjusted").filter(pc.field("adjusted_pct").is_valid())
    parts = [rows[name].to_numpy() for name in ("weekday_effect_pct", "holiday_effect_pct", "adjusted_pct")]
    assert np.array_equal(sum(parts), rows["change_pct"].to_numpy())
    n_published = stage.rows("mobility_adjusted", ["change_pct"])["change_pct"].drop_null()
    assert rows.num_rows > 0.99 * len(n_published)


def test_the_article_s_maxima_stand_beside_those_of_both_vintages(stage, lake):
    publish(lake, [stage.record], "run")
    values = section_values(lake, "mobility")
    maxima = {
        (row["policy_index"], str(row["last_on"].year)): (
            row["sweden"], row["germany"], row["italy"], row["new_zealand"],
        )
        for row in values["maxima"] if "text" not in row["file"]
    }  # fmt: skip
    assert maxima == {
        ("containment health index", "2020"): ("45.5 (48.5)", "76.5", "91.7", "93.9"),
        ("containment health index", "2022"): ("54.8 (57.1)", "70.8", "85.4", "81.0"),
        ("stringency index", "2020"): ("46.3", "76.8", "93.5", "96.3"),
        ("stringency index", "2022"): ("64.8", "76.8", "93.5", "96.3"),
    }
    assert [chart.title.split(":")[0] for chart in values["figures"]] == ["Figure 1", *["Figure 2"] * 4, "Figure 3"]


def test_germany_s_maximum_falls_between_the_vintages_because_three_indicators_came_in(shared):
    with gzip.open(shared.joinpath(*POLICY, "DEU_long_2020-2022.tsv.gz"), "rt", encoding="utf-8-sig") as opened:
        rows = [row for row in csv.DictReader(opened, delimiter="\t") if row["Date"] < FETCHED_ON]
    of_eleven = max(containment_index(row, MAXIMA) for row in rows)
    of_fourteen = max(containment_index(row, {**MAXIMA, **LATER_MAXIMA}) for row in rows)
    assert (round(of_eleven, 2), round(of_fourteen, 2)) == (76.52, 70.83)
    for row in rows:
        index = containment_index(row, {**MAXIMA, **LATER_MAXIMA})
        assert index == pytest.approx(float(row["ContainmentHealthIndex"]), abs=0.006)  # it is given to two digits


def test_what_had_been_coded_in_may_2020_was_coded_again(shared):
    """By the same eleven indicators; the article's 73 of Germany lies between 72.0 then and 76.5 in October 2020."""
    path = shared.joinpath(*POLICY, "vintage-2020-05-16", "OxCGRT_latest.csv.gz")
    maxima = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(io.StringIO(opened.read().replace("\r", ""))):
            if row["CountryCode"] in {"SWE", "DEU", "ITA", "NZL"}:
                maxima[row["CountryCode"]] = max(maxima[row["CountryCode"]], containment_index(row, MAXIMA))
    assert {code: round(value, 1) for code, value in maxima.items()} == {
        "SWE": 40.9, "DEU": 72.0, "ITA": 91.7, "NZL": 89.4,
    }  # fmt: skip


def test_the_documented_lack_of_values_is_there_in_the_files_of_june_2021(shared):
    """10 to 29 of 101 countries more than before and after, on each of its days, in each of its categories."""
    (event,) = (
        one for one in parse_known_events(EVENTS.read_text("utf-8"), EVENTS.name).to_pylist()
        if one["event_id"] == "google_2020_08_values_missing"
    )  # fmt: skip
    n_published, countries = Counter(), set()
    with zipfile.ZipFile(shared / "data" / "mobility" / "Region_Mobility_Report_CSVs_2021-06.zip") as archive:
        for name in (one for one in archive.namelist() if "2020_" in one):
            with archive.open(name) as opened:
                for row in csv.DictReader(io.TextIOWrapper(opened, "utf-8")):
                    if row["sub_region_1"] or row["metro_area"]:
                        break  # the whole country stands first
                    countries.add(row["country_region_code"])
                    for category in event["series"]:
                        n_published[category, row["date"]] += row[f"{category}_percent_change_from_baseline"] != ""
    assert len(countries) == 101
    for category in event["series"]:
        usual = max(n for (which, day), n in n_published.items() if which == category and day[:7] == "2020-07")
        lacking = [
            usual - n
            for (which, day), n in n_published.items()
            if which == category and event["from_on"] <= date.fromisoformat(day) <= event["to_on"]
        ]
        assert len(lacking) == 25
        assert min(lacking) >= 10
        assert max(lacking) <= 29
        assert min(n_published[category, day] for day in ("2020-08-16", "2020-09-11")) >= usual - 1
