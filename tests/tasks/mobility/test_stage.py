import gzip
import io
import json
import zipfile
from datetime import date

import pyarrow.compute as pc
import pytest
from support.chains import plan, run_chain
from support.mobility_stage import HEADER, line, put, run_stage

from expectations.contracts.tables import TABLES
from expectations.table_contract import repeated_key, split_rows
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.mobility.naming import part_of
from tasks.mobility.parsing import REGIONS, ROWS
from tasks.mobility.stage import CHAIN

SWEDEN = [line("SE", "Sweden", f"2020-03-{day:02}", day, None, -day) for day in range(1, 20)]
NAMIBIA = [line("NA", "Namibia", f"2020-03-{day:02}", day) for day in range(1, 5)]
ITALY = [line("IT", "Italy", f"2020-03-{day:02}", day) for day in range(1, 5)]
RULES = ",,01mar2020,02mar2020\nSweden,SWE,10,20\nNamibia,NAM,.,5\n"


def _report(*lines):
    return "\n".join([HEADER, *lines]) + "\n"


def test_tables_keep_their_contracts_and_every_row_is_counted(lake, tmp_path):
    stage = run_stage(
        lake, put(tmp_path / "in", {"report.csv": _report(*SWEDEN, *NAMIBIA), "index_stringency.csv": RULES})
    )
    for name in ("mobility", "policy", "mobility_policy"):
        rows = stage.rows(name)
        kept, broken, _ = split_rows(TABLES[name], rows)
        assert (kept.num_rows, broken.num_rows, any(repeated_key(TABLES[name], rows).to_pylist())) == (
            rows.num_rows,
            0,
            False,
        )
    assert stage.rows("mobility").num_rows == 23 * 6
    first = stage.rows("mobility_policy").to_pylist()[0]
    assert (first["country_code"], first["observed_on"], first["retail_and_recreation"], first["stringency_index"]) == (
        "NA",
        date(2020, 3, 1),
        1,
        None,
    )


def test_each_file_of_the_table_is_sorted_by_its_key(lake, tmp_path):
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": _report(*reversed(SWEDEN), *NAMIBIA)}))
    for ref in stage.record.tables["mobility"]:
        keys = [(row["region_id"], row["observed_on"], row["category"]) for row in read_table(lake, ref).to_pylist()]
        assert keys == sorted(keys)


def test_broken_rows_stand_in_the_quarantine_with_file_and_line(lake, tmp_path):
    content = _report(
        SWEDEN[0], "SE,Sweden", line("SE", "Sweden", "2020-03-02", "many"), line("SE", "Sweden", "2100-01-01", 1)
    )
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": content}))
    told = {row["rule"]: row for row in stage.rows("ops.quarantine").to_pylist()}
    assert {rule: row["uri"] for rule, row in told.items()} == {
        "fewer_fields_than_header": "report.csv#3",
        "change_pct_not_a_number": "report.csv#4",
        "future_date": "report.csv#5",
        "location_matches_nothing": "index_*",
    }
    assert (
        json.loads(told["change_pct_not_a_number"]["raw_row"])["retail_and_recreation_percent_change_from_baseline"]
        == "many"
    )
    assert stage.set_aside("parse_mobility") == {
        "fewer_fields_than_header": 1,
        "change_pct_not_a_number": 1,
        "future_date": 1,
    }
    assert {row["vintage"] for row in told.values() if row["uri"] != "index_*"} == {
        stage.rows("ops.vintages")["vintage"][0].as_py()
    }


@pytest.mark.parametrize(
    ("content", "rule", "n_rows"),
    [
        (b"", "file_empty", 1),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_not_utf8", 2),
        (b"\0\0\0\0\n1\n2\n", "file_binary", 2),
        (gzip.compress(_report(*SWEDEN).encode(), mtime=0)[:-30], "compressed_stream_truncated", 1),
        (_report(*SWEDEN).replace("date,", ""), "column_missing", 19),
        (
            "Entity,Code,Date,Retail & Recreation,Parks,Workplaces,Residential\nSweden,SWE,2020-02-17,1,2,3,4\n",
            "schema_of_7_day_means",
            1,
        ),
        (_report(line("SE", "Sweden", "1/2/2020", 5)), "dates_ambiguous", 1),
        ("x" * 9_000_000, "file_binary", 1),
        (_report(*SWEDEN) + "x" * 20_000_000, "line_too_long", 19),
    ],
)
def test_file_that_cannot_be_read_is_set_aside_whole_and_the_others_go_on(lake, tmp_path, content, rule, n_rows):
    stage = run_stage(lake, put(tmp_path / "in", {"report_bad.csv": content, "report_good.csv": _report(*NAMIBIA)}))
    assert stage.set_aside("parse_mobility") == {rule: n_rows}
    (row,) = [row for row in stage.rows("ops.quarantine").to_pylist() if row["uri"] == "report_bad.csv"]
    assert (row["rule"], row["table_name"]) == (rule, "mobility")
    assert "report_bad.csv" in row["message"]
    assert "Traceback" not in row["message"]
    assert stage.rows("mobility").num_rows == 4 * 6


def test_header_only_and_unknown_column_are_noted_in_the_ledger(lake, tmp_path):
    files = {"report_a.csv": HEADER + "\n", "report_b.csv": HEADER + ",mood\n" + NAMIBIA[0] + ",fine\n"}
    stage = run_stage(lake, put(tmp_path / "in", files))
    noted = {(row["subject"], row["rule"], row["n_rows_in"]) for row in stage.rows("ops.ledger").to_pylist()}
    assert {("google: report_a.csv", "header_only", 0), ("google: report_b.csv", "column_unknown: mood", 1)} <= noted
    assert stage.rows("mobility").num_rows == 6


def test_the_vintage_that_reaches_further_wins_and_the_ledger_tells_by_how_much(lake, tmp_path):
    old, new = (
        [line("SE", "Sweden", f"2020-03-0{day}", 1, 2) for day in (1, 2)],
        [line("SE", "Sweden", f"2020-03-0{day}", 1, 5) for day in (1, 2, 3)],
    )
    stage = run_stage(
        lake, put(tmp_path / "in", {"report_z_old.csv": _report(*old), "report_a_new.csv": _report(*new)})
    )
    grocery = stage.rows("mobility").filter(_is("category", "grocery_and_pharmacy"))["change_pct"].to_pylist()
    assert grocery == [5, 5, 5]
    assert stage.set_aside("merge_mobility") == {"superseded": 12}
    lines = {
        row["rule"]: row
        for row in stage.rows("ops.ledger").to_pylist()
        if "report_z_old.csv" in row["subject"] and row["stage"] == "merge_mobility"
    }
    superseded, revised = lines["superseded"], lines["revised_by_later_vintage"]
    assert (superseded["n_rows_in"], superseded["n_rows_out"], superseded["n_rows_set_aside"]) == (12, None, 12)
    assert (revised["n_rows_in"], revised["n_rows_out"], revised["score"]) == (12, 2, 3.0)


def test_of_vintages_that_reach_as_far_the_last_by_place_wins(lake, tmp_path):
    files = {
        f"report_{name}.csv": _report(line("SE", "Sweden", "2020-03-01", value)) for name, value in (("a", 1), ("b", 2))
    }
    assert run_stage(lake, put(tmp_path / "in", files)).rows("mobility")["change_pct"].drop_null().to_pylist() == [2]


def test_members_of_one_archive_reach_as_far_as_its_last(lake, tmp_path):
    members = {
        "2020.csv": _report(line("SE", "Sweden", "2020-12-31", 7)),
        "2021.csv": _report(line("SE", "Sweden", "2021-06-04", 8)),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    older = _report(line("SE", "Sweden", "2020-12-31", 1), line("SE", "Sweden", "2021-02-05", 2))
    sources = put(tmp_path / "in", {"report_older.csv": older, "reports.zip": packed.getvalue()})
    rows = run_stage(lake, sources).rows("mobility").filter(_is("category", "retail_and_recreation")).to_pylist()
    assert {str(row["observed_on"]): row["change_pct"] for row in rows} == {
        "2020-12-31": 7,
        "2021-02-05": 2,
        "2021-06-04": 8,
    }


def test_a_new_file_makes_only_its_batch_and_its_countries_due(lake, tmp_path):
    assert part_of("IT") != part_of("NA")
    sources = put(tmp_path / "in", {"report_na.csv": _report(*NAMIBIA), "index_stringency.csv": RULES})
    run_stage(lake, sources)
    assert plan(lake, CHAIN, sources=sources) == []
    assert run_stage(lake, sources).done() == []
    sources = put(tmp_path / "in", {"report_it.csv": _report(*ITALY)})
    planned = [(line.step, line.subject, line.reason) for line in plan(lake, CHAIN, sources=sources)]
    assert ("merge_mobility", "all", "waiting for parse_mobility, write_vintages, name_regions") in planned
    assert not {"parse_policy"} & {step for step, _, _ in planned}
    stage = run_stage(lake, sources)
    done = stage.done()
    of_step = {step: [subject for one, subject in done if one == step] for step, _ in done}
    assert of_step["merge_mobility"] == [f"part {part_of('IT'):02}"]
    known = {row["uri"]: row["vintage"] for row in stage.rows("ops.vintages").to_pylist()}
    assert of_step["write_mobility_revisions"] == [f"vintage {known['report_it.csv']}"]
    assert not {"parse_policy", "write_policy", "write_policy_revisions"} & of_step.keys()


def test_equal_input_gives_equal_bytes_in_another_home(tmp_path):
    files = {
        "report_1.csv": _report(*SWEDEN),
        "report_2.csv": _report(*SWEDEN[3:5], *NAMIBIA),
        "index_stringency.csv": RULES,
    }
    sources = put(tmp_path / "in", files)
    tables = [run_stage(Lake.open(tmp_path / home), sources).record.tables for home in ("one", "two")]
    assert [ref.sha256 for ref in tables[0]["mobility"]] == [ref.sha256 for ref in tables[1]["mobility"]]
    assert [tables[0][name] for name in ("policy", "mobility_policy", "ops.ledger")] == [
        tables[1][name] for name in ("policy", "mobility_policy", "ops.ledger")
    ]


def test_repeated_keys_of_a_file_keep_the_first_row(lake, tmp_path):
    stage = run_stage(
        lake, put(tmp_path / "in", {"report.csv": _report(*SWEDEN, SWEDEN[0], line("SE", "Sweden", "2020-03-01", 99))})
    )
    assert stage.set_aside("parse_mobility") == {"repeated_row": 1, "repeated_key": 1}
    assert 99 not in stage.rows("mobility")["change_pct"].to_pylist()


def test_history_of_a_replaced_vintage_stays_in_the_working_tables(lake, tmp_path):
    files = {
        f"report_{name}.csv": _report(line("SE", "Sweden", "2020-03-01", value)) for name, value in (("a", 1), ("b", 2))
    }
    working = run_stage(lake, put(tmp_path / "in", files)).record.working
    rows = read_table(lake, [ref for ref in working if ref.table == ROWS])
    regions = read_table(lake, [ref for ref in working if ref.table == REGIONS])
    assert rows["retail_and_recreation"].to_pylist() in ([1, 2], [2, 1])
    assert regions["uri"].to_pylist() == ["report_a.csv", "report_b.csv"]


def test_no_observations_at_all_leave_empty_tables(lake, tmp_path):
    stage = run_stage(lake, put(tmp_path / "in", {}))
    assert [stage.rows(name).num_rows for name in ("mobility", "policy", "mobility_policy")] == [0, 0, 0]
    assert plan(lake, CHAIN, sources=put(tmp_path / "in", {})) == []


def test_more_broken_rows_than_stand_in_memory_all_reach_the_quarantine(lake, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.intake.set_aside_rows.ROWS_AT_ONCE", 3)
    content = _report(SWEDEN[0], *(f"SE,{place}" for place in range(10)))
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": content}))
    assert stage.rows("ops.quarantine").filter(_is("rule", "fewer_fields_than_header")).num_rows == 10


def test_batches_keep_their_subjects_and_read_what_the_fetch_found(lake, tmp_path):
    batches = run_chain(lake, CHAIN, sources=put(tmp_path / "in", {"report.csv": _report(*SWEDEN)})).batches
    (parsed,) = batches["parse_mobility"]
    assert parsed.subject == f"google: report.csv {parsed.payload[0].vintage}"
    (merge,) = batches["merge_mobility"]
    uris = [report.named.placed.uri for report in merge.payload.reports]
    assert (merge.subject, uris) == (f"part {part_of('SE'):02}", ["report.csv"])


def _is(column, value):
    return pc.field(column) == value
