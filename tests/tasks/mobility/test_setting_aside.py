"""What rules of the users' own refuse is set aside before anything is derived from it."""

import gzip
import io
import json
import zipfile

import pyarrow.compute as pc
import pytest
from support.mobility_stage import HEADER, line, put, run_stage

from expectations.suite_format import SuiteError
from tasks.lake.layout import Lake

SWEDEN = [line("SE", "Sweden", f"2020-03-0{day}", value) for day, value in enumerate((0, 200, 0, 0), 1)]
NAMIBIA = [line("NA", "Namibia", f"2020-03-0{day}", day) for day in range(1, 5)]
RULES = ",,01mar2020,02mar2020\nNorway,NOR,5,6\nSweden,SWE,10,90\n"


def _report(*lines):
    return "\n".join([HEADER, *lines]) + "\n"


def _own(folder, text, name="own.yaml"):
    (folder / "expectations").mkdir(parents=True, exist_ok=True)
    (folder / "expectations" / name).write_text(text)


def _range(table, *rules, source=""):
    head = f"source: {source}\n" if source else f"table: {table}\n"
    lines = [f"  - range: {{{rule}}}\n    severity: warning\n" for rule in rules]
    return head + "expectations:\n" + "".join(lines)


def _retail(stage):
    rows = stage.rows("mobility").filter(pc.field("category") == "retail_and_recreation").to_pylist()
    return {row["observed_on"].day: row for row in rows if row["country_code"] == "SE"}


def test_without_own_rules_the_parts_are_handed_on_as_they_are(lake, tmp_path):
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": _report(*SWEDEN)}))
    drafts = [ref for record in stage.steps if record.step == "merge_mobility" for ref in record.files]
    (written,) = [record for record in stage.steps if record.step == "write_mobility"]
    assert set(written.files) <= set(drafts) | set(stage.record.tables["mobility"])
    assert stage.rows("mobility").num_rows == 4 * 6
    assert len(stage.record.tables["mobility"]) == 1


def test_a_refused_row_is_in_no_mean_and_in_no_join_and_its_line_is_told(lake, tmp_path):
    folder = tmp_path / "in"
    _own(folder, _range("mobility", "column: change_pct, maximum: 100"))
    stage = run_stage(lake, put(folder, {"report.csv": _report(*NAMIBIA, *SWEDEN), "index_stringency.csv": RULES}))
    rows = _retail(stage)
    assert sorted(rows) == [1, 3, 4]
    assert [row["change_pct_centred_13d"] for row in rows.values()] == [0, 0, 0]
    (joined,) = (
        stage.rows("mobility_policy")
        .filter((pc.field("country_code") == "SE") & (pc.field("stringency_index") == 90))
        .to_pylist()
    )
    assert joined["retail_and_recreation"] is None
    assert stage.set_aside("write_mobility") == {"change_pct_out_of_its_range": 1}
    (told,) = [row for row in stage.rows("ops.quarantine").to_pylist() if row["table_name"] == "mobility"]
    assert (told["source"], told["uri"], told["rule"]) == ("google", "report.csv#7", "change_pct_out_of_its_range")
    assert told["vintage"] == stage.rows("mobility")["vintage"][0].as_py()
    assert json.loads(told["raw_row"]) == {
        "region_id": "SE",
        "observed_on": "2020-03-02",
        "category": "retail_and_recreation",
        "change_pct": 200.0,
    }


def test_rules_are_asked_again_where_what_they_speak_of_has_changed(lake, tmp_path):
    folder = tmp_path / "in"
    rules = _range("mobility", "column: change_pct, maximum: 100", "column: change_pct_centred_13d, minimum: 1")
    _own(folder, rules)
    stage = run_stage(lake, put(folder, {"report.csv": _report(*SWEDEN, *NAMIBIA)}))
    assert _retail(stage) == {}
    assert stage.set_aside("write_mobility") == {
        "change_pct_out_of_its_range": 1,
        "change_pct_centred_13d_out_of_its_range": 3,
    }
    assert stage.rows("regions").filter(pc.field("country_code") == "SE")["n_days"].to_pylist() == [4]


def test_only_parts_that_hold_a_refused_row_are_made_again(lake, tmp_path):
    folder = tmp_path / "in"
    italy = [line("IT", "Italy", f"2020-03-0{day}", day) for day in range(1, 5)]
    sources = put(folder, {"report.csv": _report(*SWEDEN, *italy)})
    before = run_stage(lake, sources).record.tables["mobility"]
    _own(folder, _range("mobility", "column: change_pct, maximum: 100"))
    after = run_stage(lake, sources)
    assert len(set(before) & set(after.record.tables["mobility"])) == 1
    assert {step for step, _ in after.done()} >= {"write_mobility", "write_mobility_policy", "write_regions"}
    assert "merge_mobility" not in {step for step, _ in after.done()}


def test_rows_come_back_when_the_rule_changes(lake, tmp_path):
    folder = tmp_path / "in"
    sources = put(folder, {"report.csv": _report(*SWEDEN)})
    _own(folder, _range("mobility", "column: change_pct, maximum: 100"))
    assert sorted(_retail(run_stage(lake, sources))) == [1, 3, 4]
    _own(folder, _range("mobility", "column: change_pct, maximum: 300"))
    again = run_stage(lake, sources)
    assert _retail(again)[1]["change_pct_centred_13d"] == 50
    assert [row for row in again.rows("ops.quarantine").to_pylist() if row["table_name"] == "mobility"] == []


def test_a_rule_of_one_source_looks_at_its_rows_alone(lake, tmp_path):
    folder = tmp_path / "in"
    _own(folder, _range("mobility", "column: change_pct, maximum: 100", source="oxford"))
    _own(folder, _range("mobility", "column: change_pct, maximum: 3", source="google"), "google.yaml")
    with pytest.raises(SuiteError, match="change_pct"):
        run_stage(lake, put(folder, {"report.csv": _report(*NAMIBIA)}))
    (folder / "expectations" / "own.yaml").unlink()
    stage = run_stage(lake, put(folder, {"report.csv": _report(*NAMIBIA)}))
    assert stage.rows("mobility")["change_pct"].drop_null().to_pylist() == [1, 2, 3]


def test_the_line_is_that_of_the_file_that_tells_the_row_whatever_its_form(tmp_path):
    packed = io.BytesIO()
    days = [f"{month}/{day}/2020" for month in (4, 5) for day in range(1, 31)]
    other = _report(
        *(line("SE", "Sweden", day, 0) for day in days), *(line("NA", "Namibia", day, 0) for day in days),
        line("SE", "Sweden", "3/2/2020", 150),
    )  # fmt: skip
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/x#2020.csv", other)
    files = {"report_old.csv.gz": gzip.compress(_report(*SWEDEN).encode()), "report_new.zip": packed.getvalue()}
    folder = tmp_path / "in"
    _own(folder, _range("mobility", "column: change_pct, maximum: 100"))
    stage = run_stage(Lake.open(tmp_path / "home"), put(folder, files))
    told = [row for row in stage.rows("ops.quarantine").to_pylist() if row["rule"] == "change_pct_out_of_its_range"]
    assert [(row["uri"], json.loads(row["raw_row"])["change_pct"]) for row in told] == [
        ("report_new.zip#a/x#2020.csv#122", 150.0)
    ]


@pytest.mark.parametrize(
    ("files", "uri"),
    [
        ({"index_stringency.csv": RULES}, "index_stringency.csv#3"),
        (
            {"index_long.csv": "CountryName,CountryCode,Date,StringencyIndex\n"
             + "".join(f"Norway,NOR,202003{day:02},5\n" for day in range(1, 32))
             + "Sweden,SWE,20200301,10\nSweden,SWE,20200302,90\n"},
            "index_long.csv#34",
        ),
    ],
)  # fmt: skip
def test_a_refused_day_of_a_jurisdiction_is_in_no_join_and_its_line_is_told(lake, tmp_path, files, uri):
    folder = tmp_path / "in"
    _own(folder, _range("policy", "column: stringency_index, maximum: 50"))
    stage = run_stage(lake, put(folder, files | {"report.csv": _report(*SWEDEN)}))
    assert stage.set_aside("write_policy") == {"stringency_index_out_of_its_range": 1}
    assert 90 not in stage.rows("policy")["stringency_index"].to_pylist()
    joined = stage.rows("mobility_policy").filter(pc.field("country_code") == "SE").to_pylist()
    assert {row["observed_on"].day: row["stringency_index"] for row in joined} == {1: 10, 2: None, 3: None, 4: None}
    told = [row for row in stage.rows("ops.quarantine").to_pylist() if row["table_name"] == "policy"]
    assert [(row["source"], row["uri"]) for row in told if row["rule"].startswith("stringency")] == [("oxford", uri)]
