"""History: every value of every trusted fetch, and what was known on a day."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from support.mobility_reports import HISTORIES, report
from support.mobility_stage import HEADER, declare, line, put, run_stage
from support.sections import section_values

from expectations.contracts.mobility import CATEGORIES, MOBILITY_REVISIONS, POLICY_REVISIONS
from expectations.table_contract import repeated_key, split_rows
from tasks.intake.sources import load_sources
from tasks.lake.publishing import publish
from tasks.lake.warehouse import connect
from tasks.report.rendering import render
from tasks.transforms.mobility.revisions import mobility_revisions, policy_revisions
from tasks.transforms.mobility.vintage_order import PlacedVintage
from tasks.transforms.mobility.vintages import merge_reports

FIRST = date(2020, 3, 1)


def _report(n_days, value):
    days = [FIRST + timedelta(days=day) for day in range(n_days)]
    values = [value, *(day.day % 9 - 20 for day in days[1:])]
    lines = [line("SE", "Sweden", str(day), one, one) for day, one in zip(days, values, strict=True)]
    return "\n".join([HEADER, *lines]) + "\n"


def _retail(rows):
    found = rows.filter((pc.field("category") == "retail_and_recreation") & (pc.field("observed_on") == FIRST))
    return [row["change_pct"] for row in found.sort_by("nth_fetch").to_pylist()]


def test_all_fetches_of_one_path_stay_and_only_the_new_one_costs(lake, tmp_path):
    folder = tmp_path / "in"
    first = run_stage(lake, put(folder, {"report.csv": _report(150, 1)}))
    publish(lake, [first.record], "run")
    second = run_stage(lake, put(folder, {"report.csv": _report(153, 2)}))
    rows = second.rows("mobility_revisions")
    assert rows.num_rows == 303 * 6
    assert _retail(rows) == [1, 2]
    assert pc.unique(rows["nth_fetch"]).to_pylist() == [1, 2]
    assert set(second.rows("mobility")["vintage"].to_pylist()) == {rows.sort_by("nth_fetch")["vintage"][-1].as_py()}
    assert len([step for step, _ in second.done() if step == "write_mobility_revisions"]) == 1
    _, broken, _ = split_rows(MOBILITY_REVISIONS, rows)
    assert (broken.num_rows, any(repeated_key(MOBILITY_REVISIONS, rows).to_pylist())) == (0, False)
    assert set(first.record.tables["mobility_revisions"]) < set(second.record.tables["mobility_revisions"])


def test_a_day_that_the_fetch_in_force_has_no_more_is_history_alone(lake, tmp_path):
    folder = tmp_path / "in"
    publish(lake, [run_stage(lake, put(folder, {"report.csv": _report(150, 1)})).record], "run")
    lines = _report(151, 1).splitlines(keepends=True)
    stage = run_stage(lake, put(folder, {"report.csv": "".join(lines[:6] + lines[7:])}))
    gone = pc.field("observed_on") == FIRST + timedelta(days=5)
    assert (stage.rows("mobility").num_rows, stage.rows("mobility").filter(gone).num_rows) == (150 * 6, 0)
    assert pc.unique(stage.rows("mobility_revisions").filter(gone)["nth_fetch"]).to_pylist() == [1]


def test_one_query_gives_what_was_known_on_a_day(lake, tmp_path):
    put(tmp_path / "in", {"report_old.csv": _report(31, 1), "report_new.csv": _report(61, 2)})
    files = {"index_stringency_old.csv": ",,01mar2020,31mar2020\nSweden,SWE,10,11\n"}
    files["index_stringency_new.csv"] = ",,01mar2020,30apr2020\nSweden,SWE,.,21\n"
    publish(lake, [run_stage(lake, put(tmp_path / "in", files)).record], "run")
    with connect(lake) as warehouse:

        def ask(macro, day, column):
            query = f"SELECT {column} FROM {macro}(?) WHERE region_id = 'SE' AND observed_on = '2020-03-01'"
            return warehouse.execute(f"{query} AND {column} IS NOT NULL ORDER BY {column}", [day]).fetchall()

        assert ask("mobility_as_of", date(2020, 3, 30), "change_pct") == []
        assert ask("mobility_as_of", date(2020, 3, 31), "change_pct") == [(1.0,), (1.0,)]
        assert ask("mobility_as_of", "2020-05-01", "change_pct") == [(2.0,), (2.0,)]
        assert ask("policy_as_of", "2020-04-01", "value") == [(10.0,)]
        assert ask("policy_as_of", "2020-04-01", "vintage_on") == [(date(2020, 3, 31),)]
        assert ask("policy_as_of", "2020-04-30", "value") == []  # the later one says: not published
        assert ask("policy_as_of", "2020-04-30", "vintage_on") == [(date(2020, 4, 30),)]


def test_present_values_are_those_known_today(lake, tmp_path):
    put(tmp_path / "in", {"report_b.csv": _report(40, 1), "report_a.csv": _report(40, 2)})
    publish(lake, [run_stage(lake, load_sources(tmp_path / "in")).record], "run")
    with connect(lake) as warehouse:
        same = "SELECT region_id, observed_on, category, change_pct, vintage FROM {table}"
        today = warehouse.execute(same.format(table="mobility_as_of('2100-01-01')")).fetchall()
        assert sorted(today, key=str) == sorted(warehouse.execute(same.format(table="mobility")).fetchall(), key=str)


def test_mobility_beside_its_country_s_policy_has_a_row_for_a_row(lake, tmp_path):
    states = "CountryCode,CountryName,RegionCode,RegionName,CityCode,CityName,Jurisdiction,01Mar2020,02Mar2020\n"
    rules = states + "USA,United States,,,,,NAT_TOTAL,1,2\nUSA,United States,US_CA,California,,,STATE_TOTAL,8,9\n"
    rows = [
        line("US", "United States", f"2020-03-0{day}", day, part=part)
        for part in ("", "California")
        for day in (1, 2, 3)
    ]
    files = {"report.csv": "\n".join([HEADER, *rows]) + "\n", "index_stringency.csv": rules}
    publish(lake, [run_stage(lake, put(tmp_path / "in", files)).record], "run")
    with connect(lake) as warehouse:
        asked = (
            "SELECT observed_on, stringency_index, count(*) FROM mobility_with_policy('US') GROUP BY ALL ORDER BY ALL"
        )
        days = [(row[0].day, *row[1:]) for row in warehouse.execute(asked).fetchall()]
        assert days == [(1, 1.0, 12), (2, 2.0, 12), (3, None, 12)]
        assert warehouse.execute("SELECT count(*) FROM mobility_with_policy('SE')").fetchall() == [(0,)]
        joined = "SELECT count(*) FROM mobility AS m JOIN policy AS p USING (country_code, observed_on)"
        assert warehouse.execute(joined).fetchall() == [(2 * 12 * 2,)]


def test_members_of_an_archive_and_equal_bytes_at_two_places_tell_a_value_once(lake, tmp_path):
    files = {"report_a.csv": _report(40, 1), "report_b.csv": _report(40, 1)}
    stage = run_stage(lake, put(tmp_path / "in", files))
    rows = stage.rows("mobility_revisions")
    assert (rows.num_rows, set(rows["uri"].to_pylist())) == (40 * 6, {"report_b.csv"})
    assert stage.set_aside("write_mobility_revisions") == {"told_again_in_its_vintage": 40 * 6}


def test_policy_history_has_every_index_of_every_file(lake, tmp_path):
    folder = tmp_path / "in"
    put(folder, {"index_stringency.csv": ",,01jan2020\nSweden,SWE,10\n"})
    header = "CountryName,CountryCode,Date,StringencyIndex,EconomicSupportIndex\n"
    (folder / "other.csv").write_text(header + "Sweden,SWE,20200101,12,\nSweden,SWE,20200102,13,5\n")
    declare(folder, "later", "policy", "other.csv")
    stage = run_stage(lake, load_sources(folder))
    rows = stage.rows("policy_revisions")
    told = [(row["observed_on"].day, row["policy_index"], row["value"], row["source"]) for row in rows.to_pylist()]
    assert sorted(told, key=str) == [
        (1, "economic_support_index", None, "later"),
        (1, "stringency_index", 10, "oxford"),
        (1, "stringency_index", 12, "later"),
        (2, "economic_support_index", 5, "later"),
        (2, "stringency_index", 13, "later"),
    ]
    kept, broken, _ = split_rows(POLICY_REVISIONS, rows)
    assert (kept.num_rows, broken.num_rows) == (5, 0)
    (first, second) = stage.rows("policy").to_pylist()
    vintages = {row["source"]: row["vintage"] for row in rows.to_pylist()}
    assert first["stringency_vintage"] == first["economic_support_vintage"] == second["vintage"] == vintages["later"]
    assert (first["containment_health_vintage"], second["government_response_vintage"]) == (None, None)


def test_report_tells_by_country_what_later_fetches_changed(lake, tmp_path):
    days = "01mar2020,02mar2020,03mar2020,04mar2020"
    files = {
        "report_old.csv": _report(40, 1),
        "report_new.csv": _report(41, 5),
        "index_stringency_1.csv": f",,{days}\nSweden,SWE,10,20,.,76.84999847\nNorway,NOR,1,1,1,1\n",
        "index_stringency_2.csv": f",,{days},05mar2020\nSweden,SWE,14,.,30,76.85,1\n",
    }
    publish(lake, [run_stage(lake, put(tmp_path / "in", files)).record], "run")
    values = section_values(lake, "mobility")
    numbers = ("of", "country", "n_fetches", "n_values", "n_changed", "n_withdrawn", "n_added", "mean_points")
    told = [tuple(row[name] for name in numbers) for row in values["revisions"]]
    assert told == [("mobility", "Sweden", 2, 240, 2, 0, 0, 4.0), ("policy", "Sweden", 2, 4, 1, 1, 1, 4.0)]
    page = render("mobility/revisions.html.j2", values)
    assert page.count("<tr><td>policy</td><td>Sweden</td>") == 1
    assert render("mobility/revisions.html.j2", {"revisions": []}).strip() == ""


PLACED = [PlacedVintage("s", f"u{number}", "v" * 12, FIRST, FIRST, number + 1) for number in range(4)]


def test_of_two_files_of_a_vintage_that_tell_a_value_the_later_counts():
    key = {"region_id": ["SE"], "observed_on": [FIRST], "country_code": ["SE"]}
    first = pa.table(key | {"stringency_index": [1.0], "economic_support_index": [7.0]})
    rows = policy_revisions([(PLACED[0], first), (PLACED[1], pa.table(key | {"stringency_index": [2.0]}))]).to_pylist()
    assert [(row["policy_index"], row["value"], row["uri"]) for row in rows] == [
        ("economic_support_index", 7.0, "u0"),
        ("stringency_index", 2.0, "u1"),
    ]
    assert policy_revisions([]).num_rows == 0


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
@settings(max_examples=25, deadline=None)
@given(histories=HISTORIES)
def test_rows_are_those_of_the_last_report_that_tells_them_sorted_by_key(at_once, histories):
    merged = merge_reports([report("v" * 12, rows) for rows in histories])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.transforms.mobility.revisions.REGION_DAYS_PER_BATCH", at_once)
        batches = list(mobility_revisions(merged, PLACED[: len(histories)]))
    told = [row for batch in batches for row in batch.to_pylist()]
    keys = [(row["region_id"], row["observed_on"], row["category"]) for row in told]
    assert keys == sorted(keys)
    latest = {key: (place, values) for place, rows in enumerate(histories) for key, values in rows.items()}
    first = date(2020, 2, 15)
    assert {(*key, row["change_pct"], row["uri"]) for key, row in zip(keys, told, strict=True)} == {
        (name, first + timedelta(days=day), category, values[number], f"u{place}")
        for (name, day), (place, values) in latest.items()
        for number, category in enumerate(CATEGORIES)
    }
