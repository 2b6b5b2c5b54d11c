"""The merge of mobility: corrections, and the order of vintages that a source declares."""

import pyarrow.compute as pc
import pytest
from support.mobility_stage import HEADER, declare, line, put, run_stage

from tasks.intake.sources import load_sources
from tasks.transforms.records.corrections import CorrectionError

DAYS = [line("SE", "Sweden", f"2020-03-0{day}", 0, 0, 900 if day == 2 else 0) for day in (1, 2, 3)]
CORRECTION = """
name: sweden_parks
table: mobility
where: {region_id: SE, category: parks, observed_on: 2020-03-02}
was: {change_pct: 900.0}
becomes: {change_pct: 9.0}
reason: decimal point lost
authority: the publisher
n_rows: 1
"""


def _report(*lines):
    return "\n".join([HEADER, *lines]) + "\n"


def _correct(folder, text, name="one.yaml"):
    (folder / "corrections").mkdir(parents=True, exist_ok=True)
    (folder / "corrections" / name).write_text(text)


def _parks(stage):
    rows = stage.rows("mobility").filter((pc.field("category") == "parks") & (pc.field("country_code") == "SE"))
    return {row["observed_on"].day: (row["change_pct"], row["change_pct_centred_13d"]) for row in rows.to_pylist()}


def _told(stage, step="merge_mobility"):
    lines = [row for row in stage.rows("ops.ledger").to_pylist() if row["rule"].startswith("correction")]
    return [
        (row["subject"], row["outcome"], row["rule"], row["n_rows_in"], row["n_rows_out"], row["score"])
        for row in lines
        if row["stage"] == step
    ]


def test_a_correction_beside_the_sources_acts_before_the_means_and_is_told(lake, tmp_path):
    folder = tmp_path / "in"
    sources = put(folder, {"report.csv": _report(*DAYS)})
    assert _parks(run_stage(lake, sources))[1] == (0, 300)
    _correct(folder, CORRECTION)
    stage = run_stage(lake, sources)
    assert _parks(stage) == {1: (0, 3), 2: (9, 3), 3: (0, 3)}
    assert _told(stage) == [("mobility: SE", "changed", "correction:sweden_parks", 1, 1, None)]
    assert stage.rows("mobility_policy").to_pylist()[1]["parks"] == 9
    given = stage.rows("mobility_revisions").filter(pc.field("category") == "parks")["change_pct"].to_pylist()
    assert given == [0, 900, 0]


def test_a_correction_whose_guard_fails_changes_nothing_and_is_told(lake, tmp_path):
    folder = tmp_path / "in"
    _correct(folder, CORRECTION.replace("900.0", "800.0"))
    stage = run_stage(lake, put(folder, {"report.csv": _report(*DAYS)}))
    assert _parks(stage)[2] == (900, 300)
    assert _told(stage) == [("mobility: SE", "skipped", "correction_no_longer_fits:sweden_parks", 1, 0, 0.0)]


def test_a_correction_of_what_no_source_has_is_silent(lake, tmp_path):
    folder = tmp_path / "in"
    _correct(folder, CORRECTION.replace("region_id: SE", "region_id: NZ"))
    stage = run_stage(lake, put(folder, {"report.csv": _report(*DAYS)}))
    assert (_told(stage), _parks(stage)[2]) == ([], (900, 300))


def test_a_broken_correction_stops_before_anything_is_merged(lake, tmp_path):
    folder = tmp_path / "in"
    _correct(folder, CORRECTION.replace("table: mobility", "table: documents"))
    with pytest.raises(CorrectionError, match=r"one\.yaml: corrections are applied to mobility and policy"):
        run_stage(lake, put(folder, {"report.csv": _report(*DAYS)}))


def test_a_correction_of_the_policy_acts_before_the_join(lake, tmp_path):
    folder = tmp_path / "in"
    text = CORRECTION.replace("table: mobility", "table: policy").replace("category: parks, ", "")
    _correct(
        folder, text.replace("change_pct: 900.0", "stringency_index: 90.0").replace("change_pct", "stringency_index")
    )
    files = {"report.csv": _report(*DAYS), "index_stringency.csv": ",,01mar2020,02mar2020\nSweden,SWE,10,90\n"}
    stage = run_stage(lake, put(folder, files))
    assert stage.rows("policy")["stringency_index"].to_pylist() == [10, 9]
    assert stage.rows("mobility_policy")["stringency_index"].to_pylist() == [10, 9, None]
    assert _told(stage, "write_policy") == [("policy: SE", "changed", "correction:sweden_parks", 1, 1, None)]
    assert stage.rows("policy_revisions")["value"].to_pylist() == [10, 90]


@pytest.mark.parametrize(("order", "expected"), [("reach", 1), ("name", 2)])
def test_a_source_can_say_which_of_its_vintages_is_the_later(lake, tmp_path, order, expected):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "report_a.csv").write_text(
        _report(line("SE", "Sweden", "2020-03-01", 1), line("SE", "Sweden", "2020-03-09", 1))
    )
    (folder / "report_b.csv").write_text(_report(line("SE", "Sweden", "2020-03-01", 2)))
    declare(folder, "google", "mobility", "report_*")
    with (folder / "google.yaml").open("a") as declared:
        declared.write(f"order: {order}\n")
    rows = run_stage(lake, load_sources(folder)).rows("mobility")
    assert rows.filter(pc.field("category") == "retail_and_recreation")["change_pct"].to_pylist() == [expected, 1]
