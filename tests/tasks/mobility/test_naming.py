"""Regions keep their identifiers over all fetches, in force or not."""

from datetime import UTC, datetime

from support.mobility_stage import HEADER, line, put, run_stage

from tasks.mobility.naming import REGION_IDS, nth_fetches, read_named
from tasks.mobility.standing import Fetch, Standing


def _report(*lines):
    return "\n".join([HEADER, *lines]) + "\n"


def test_renamed_region_continues_under_the_identifier_by_which_any_fetch_first_knew_it(lake, tmp_path):
    files = {
        "report_1.csv": _report(line("SE", "Sweden", "2020-03-01", 1, part="Scania", place_id="p")),
        "report_2.csv": _report(line("SE", "Sweden", "2020-03-02", 1, part="Skåne", place_id="p")),
    }
    stage = run_stage(lake, put(tmp_path / "in", files))
    rows = stage.rows("mobility").to_pylist()
    assert {row["region_id"] for row in rows} == {"SE/Scania"}
    assert {row["subregion_1"] for row in rows} == {"Skåne"}
    assert {row["region_id"] for row in stage.rows("mobility_revisions").to_pylist()} == {"SE/Scania"}


def test_a_file_of_region_ids_says_of_which_reports_it_is(lake, tmp_path):
    files = {"report.csv": _report(line("SE", "Sweden", "2020-03-01", 1), line("IT", "Italy", "2020-03-01", 1))}
    stage = run_stage(lake, put(tmp_path / "in", files))
    (named,) = [record for record in stage.steps if record.step == "name_regions"]
    told = [read_named(lake, ref) for ref in named.files if ref.table == REGION_IDS]
    (vintage,) = {one.vintage for one in told}
    assert vintage == stage.rows("mobility")["vintage"][0].as_py()
    assert [[report.placed.uri for report in one.reports] for one in told] == [["report.csv"], ["report.csv"]]
    assert (named.n_rows_in, named.n_rows_out) == (2, 2)


def test_fetches_are_counted_by_path_in_the_order_of_their_coming():
    standing = {
        Fetch("google", path, vintage): Standing(is_in_force=False, fetched_at=datetime(2021, 1, day, tzinfo=UTC))
        for path, vintage, day in (("a", "new", 9), ("a", "old", 2), ("b", "only", 5))
    }
    assert {fetch.vintage: number for fetch, number in nth_fetches(standing).items()} == {"old": 1, "new": 2, "only": 1}
