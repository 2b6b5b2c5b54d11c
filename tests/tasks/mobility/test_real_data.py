"""The whole stage on the real files, and the figures that the article reads off its charts."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from oracles.slow_means import slow_means
from support.mobility_stage import declare, run_stage

from expectations.contracts.mobility import CATEGORIES, MOBILITY, POLICY
from expectations.table_contract import split_rows
from tasks.intake.sources import load_sources
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.warehouse import connect
from tasks.mobility.line_numbers import lines_of
from tasks.mobility.origins import raw_item
from tasks.mobility.parsing import REGIONS
from tasks.transforms.mobility.region_names import PRESENT_NAME

pytestmark = pytest.mark.slow

# The article's text: maxima of the containment and health index, fetched on 2020-06-04, so of the days before.
STATED_MAXIMA = {"SE": 45, "DE": 73, "IT": 92, "NZ": 94}
# The vintage of October 2020 gives 45.5, 76.5, 91.7 and 93.9: three of four as stated; Germany's April was coded again.
CODED_AGAIN = 4.0


@pytest.fixture(scope="module")
def small(shared, tmp_path_factory):
    return run_stage(Lake.open(tmp_path_factory.mktemp("small")), load_sources(shared / "sources" / "small"))


@pytest.fixture(scope="module")
def world(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world_sources")
    for place, name in enumerate(("Global_Mobility_Report_2020-05.zip", "Region_Mobility_Report_CSVs_2021-06.zip")):
        declare(folder, f"world_{place}", "mobility", str(shared / "data" / "mobility" / name))
    return run_stage(Lake.open(tmp_path_factory.mktemp("world")), load_sources(folder))


def _rows_of(stage, step, source):
    return sum(
        record.n_rows_in for record in stage.steps if record.step == step and record.subject.startswith(f"{source}: ")
    )


def test_every_row_of_every_small_file_is_kept_or_superseded(small):
    counts = {
        "mobility_germany": 4_046 + 6_562,
        "mobility_italy": 45_336,
        "mobility_new_zealand": 5_336,
        "mobility_sweden": 137,
    }
    assert {source: _rows_of(small, "parse_mobility", source) for source in counts} == counts
    assert small.set_aside("parse_mobility") == {}
    assert small.set_aside("merge_mobility") == {"superseded": 4_046 * 6}
    assert small.rows("mobility").num_rows == (sum(counts.values()) - 4_046) * 6


def test_every_row_of_the_policy_files_is_kept_but_their_footnotes(small):
    assert small.set_aside("parse_policy") == {"footnote": 3 * 2}
    assert small.rows("policy").num_rows == 185 * 274
    kept, broken, _ = split_rows(POLICY, small.rows("policy"))
    assert (kept.num_rows, broken.num_rows) == (185 * 274, 0)


def test_maxima_of_the_containment_index_are_those_that_the_article_states(small):
    policy = small.rows("policy")
    maxima = {}
    for country in STATED_MAXIMA:
        until = policy.filter((pc.field("region_id") == country) & (pc.field("observed_on") < date(2020, 6, 4)))
        maxima[country] = pc.max(until["containment_health_index"]).as_py()
    assert maxima == {country: pytest.approx(stated, abs=CODED_AGAIN) for country, stated in STATED_MAXIMA.items()}
    exact = {"SE": 45.45, "DE": 76.52, "IT": 91.67, "NZ": 93.94}
    assert maxima == {country: pytest.approx(value, abs=0.01) for country, value in exact.items()}
    assert sorted(maxima, key=maxima.get) == ["SE", "DE", "IT", "NZ"]


@pytest.mark.parametrize("category", CATEGORIES)
def test_means_of_sweden_equal_the_day_by_day_oracle(small, category):
    rows = (
        small.rows("mobility")
        .filter((pc.field("region_id") == "SE") & (pc.field("category") == category))
        .sort_by("observed_on")
    )
    published = dict(zip(rows["observed_on"].to_pylist(), rows["change_pct"].to_pylist(), strict=True))
    assert len(published) == 137
    for name, before, after in (("change_pct_centred_13d", 6, 6), ("change_pct_trailing_7d", 6, 0)):
        expected = slow_means(published, before=before, after=after)
        assert dict(zip(rows["observed_on"].to_pylist(), rows[name].to_pylist(), strict=True)) == {
            day: pytest.approx(value, rel=0, abs=1e-9) for day, value in expected.items()
        }


def test_days_of_italy_that_are_missing_are_gaps(small):
    """A province of Italy has days without a row: their neighbours' means must not reach over more than six days."""
    rows = (
        small.rows("mobility")
        .filter((pc.field("country_code") == "IT") & (pc.field("category") == "parks"))
        .to_pylist()
    )
    by_region = {}
    for row in rows:
        by_region.setdefault(row["region_id"], {})[row["observed_on"]] = row
    gappy = [days for days in by_region.values() if (max(days) - min(days)).days + 1 > len(days)]
    assert gappy
    for days in gappy[:5]:
        expected = slow_means({day: row["change_pct"] for day, row in days.items()}, before=6, after=6)
        found = {day: row["change_pct_centred_13d"] for day, row in days.items()}
        assert found == {
            day: value if value is None else pytest.approx(value, rel=0, abs=1e-9) for day, value in expected.items()
        }


def test_every_row_of_the_world_files_is_kept_or_superseded(world):
    assert (_rows_of(world, "parse_mobility", "world_0"), _rows_of(world, "parse_mobility", "world_1")) == (
        441_304,
        1_139_431,
    )
    assert world.set_aside("parse_mobility") == {}
    assert (
        sum(ref.n_rows for ref in world.record.tables["mobility"]) + world.set_aside("merge_mobility")["superseded"]
        == (441_304 + 1_139_431) * 6
    )


def test_region_ids_are_unique_over_both_world_vintages(world):
    rows = world.rows("mobility", ["region_id", "observed_on"])
    assert rows.group_by(["region_id", "observed_on"]).aggregate([]).num_rows * 6 == rows.num_rows
    regions = read_table(world.lake, [ref for ref in world.record.working if ref.table == REGIONS])
    n_named = regions.group_by(["country_code", "subregion_1", "subregion_2", "metro_area"]).aggregate([]).num_rows
    n_ids = rows.group_by("region_id").aggregate([]).num_rows
    # Names are told apart as they stand, but for the 27 places of 2020 that have another name in 2021.
    assert n_named - n_ids == len(PRESENT_NAME)


def test_renamed_regions_are_one_region(world):
    rows = world.rows("mobility", ["region_id", "category", "subregion_1", "observed_on"]).filter(
        pc.field("category") == "workplaces"
    )
    for (country, former), present in PRESENT_NAME.items():
        here = rows.filter(pc.field("region_id") == f"{country}/{present}")
        assert (here.num_rows, set(here["subregion_1"].to_pylist())) == (
            pc.count_distinct(here["observed_on"]).as_py(),
            {present},
        )
        assert rows.filter(pc.field("region_id") == f"{country}/{former}").num_rows == 0
        assert pc.min(here["observed_on"]).as_py() == date(2020, 2, 15)
    superseded = [
        row
        for row in world.rows("ops.ledger").to_pylist()
        if row["rule"] == "superseded" and row["subject"].endswith(" DE")
    ]
    assert [row["n_rows_set_aside"] for row in superseded] == [17 * 97 * 6]


def test_slashes_in_names_and_metro_areas_are_told_apart(world):
    ids = set(pc.unique(world.rows("mobility", ["region_id"])["region_id"]).to_pylist())
    assert {
        "NG/Lagos/Ajeromi%2FIfelodun",
        "GH///Accra Metropolitan Area",
        "US/California/Alameda County",
        "DE",
        "NA",
    } <= ids


def test_namibia_is_a_country_with_all_its_days(world):
    national = world.rows("mobility", ["region_id", "category", "country"]).filter(
        (pc.field("region_id") == "NA") & (pc.field("category") == "workplaces")
    )
    assert set(national["country"].to_pylist()) == {"Namibia"}
    assert national.num_rows == 97  # every day from 2020-02-15 to 2020-05-21


def test_world_rows_keep_the_contract_and_unpublished_values_are_no_zeros(world):
    for ref in world.record.tables["mobility"][:4]:
        _, broken, _ = split_rows(MOBILITY, read_table(world.lake, ref))
        assert broken.num_rows == 0
    parks = world.rows("mobility", ["category", "observed_on", "change_pct"]).filter(
        (pc.field("category") == "parks") & (pc.field("observed_on") <= date(2020, 5, 21))
    )
    assert parks["change_pct"].null_count / parks.num_rows > 0.4


def test_dates_of_the_world_files_are_days_of_their_period(world):
    days = pc.unique(world.rows("mobility", ["observed_on"])["observed_on"]).cast(pa.int32()).sort().to_pylist()
    first = (date(2020, 2, 15) - date(1970, 1, 1)).days
    assert days == list(range(first, first + (date(2021, 6, 4) - date(2020, 2, 15)) // timedelta(days=1) + 1))


def test_both_german_vintages_are_history_and_one_query_gives_what_was_known_in_october(small):
    rows = small.rows("mobility_revisions").filter(pc.field("country_code") == "DE")
    assert rows.num_rows == (4_046 + 6_562) * 6
    days = {row["vintage"]: row["vintage_on"] for row in rows.select(["vintage", "vintage_on"]).to_pylist()}
    assert sorted(days.values()) == [date(2020, 10, 9), date(2021, 3, 6)]
    publish(small.lake, [small.record], "run")
    with connect(small.lake) as warehouse:
        columns = "max(observed_on), count(*), count(DISTINCT vintage)"
        asked = f"SELECT {columns} FROM mobility_as_of(?) WHERE country_code = 'DE'"
        known = [warehouse.execute(asked, [day]).fetchone() for day in ("2020-10-08", "2020-10-31", "2021-04-01")]
        assert known == [(None, 0, 0), (date(2020, 10, 9), 4_046 * 6, 1), (date(2021, 3, 6), 6_562 * 6, 1)]


def test_regions_and_coverage_of_the_small_files(small):
    levels = (
        small.rows("regions")
        .filter(pc.field("n_days") > 0)
        .group_by(["country_code", "level"])
        .aggregate([("region_id", "count")])
    )
    found = {(row["country_code"], row["level"]): row["region_id_count"] for row in levels.to_pylist()}
    assert found[("DE", "country")] == found[("SE", "country")] == 1
    assert (found[("DE", "subregion_1")], found[("IT", "subregion_1")], found[("IT", "subregion_2")]) == (16, 20, 106)
    coverage = small.rows("coverage").filter(
        (pc.field("country_code") == "DE") & (pc.field("observed_on") == date(2020, 4, 1))
    )
    (day,) = coverage.to_pylist()
    assert (day["n_regions"], day["n_national"], day["workplaces_share"], day["n_indices"]) == (17, 6, 1.0, 3)


def test_a_line_of_a_real_report_is_found_again(small):
    vintages = small.rows("ops.vintages")
    (italian,) = vintages.filter(pc.field("source") == "mobility_italy").to_pylist()
    item = raw_item(vintages, italian["source"], italian["uri"], italian["vintage"])
    wanted = {(0, date(2020, 2, 15)): 2, (0, date(2020, 2, 17)): 4, (1, date(2020, 2, 15)): 359}
    assert lines_of(small.lake, item, wanted) == wanted  # looked up in the file with awk; region 1 is Abruzzo
