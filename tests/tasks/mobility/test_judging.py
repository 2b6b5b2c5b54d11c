"""The step that judges fetches, in whole chains: verdicts, rows in and out, quarantine, ledger, what is in force."""

import io
import json
import zipfile
from datetime import date, timedelta

import pytest
from support.mobility_stage import HEADER, line, put, run_stage

from tasks.lake.files import read_table
from tasks.lake.publishing import publish
from tasks.lake.vintage_log import VintageLog

N_DAYS = 40
FIRST = date(2020, 3, 1)


def report(n_days=N_DAYS, *, factor=1, country="SE", name="Sweden", parts=("", "Skåne County")):
    """A report of falls in all categories, other ones each day."""
    lines = [
        line(country, name, str(FIRST + timedelta(days=day)), *(
            factor * -(10 + (day * (3 + category) + 7 * place + category) % 17) for category in range(6)
        ), part=part)
        for place, part in enumerate(parts)
        for day in range(n_days)
    ]  # fmt: skip
    return "\n".join([HEADER, *lines]) + "\n"


def rules_of(n_days=N_DAYS, *, turned=False):
    """A wide file of stringency that rises, or falls."""
    days = [FIRST + timedelta(days=day) for day in range(n_days)]
    values = [str(n_days - day if turned else day) for day in range(n_days)]
    return (
        "\n".join([",," + ",".join(f"{day:%d%b%Y}".lower() for day in days), "Sweden,SWE," + ",".join(values)]) + "\n"
    )


@pytest.fixture
def run(lake, tmp_path):
    """Puts the files down, does the stage and publishes it."""

    def ran(**files):
        named = {name.replace("_csv", ".csv").replace("_zip", ".zip"): content for name, content in files.items()}
        stage = run_stage(lake, put(tmp_path / "in", named))
        publish(lake, [stage.record], "run")
        return stage

    return ran


def verdicts(stage, source="google"):
    """What is said of the vintages of a source, in the order of their fetches."""
    rows = [row for row in stage.rows("ops.vintages").to_pylist() if row["source"] == source]
    return [
        (row["uri"], row["verdict"], row["rule"], row["is_in_force"])
        for row in sorted(rows, key=lambda row: (row["fetched_at"], row["uri"]))
    ]


def judged(stage, source="google"):
    """Rows in, out and set aside by the step, of one source."""
    (record,) = [one for one in stage.steps if one.step == "judge_fetches" and one.subject == source]
    return record.n_rows_in, record.n_rows_out, dict(record.set_aside)


def rows_of_gate(stage, table):
    rows = stage.rows(table).to_pylist()
    if table == "ops.ledger":
        return [row for row in rows if row["stage"] == "judge_fetches" and ": " in row["subject"]]  # not whole batches
    return [row for row in rows if row["rule"] in {"values_scaled", "history_rewritten", "dates_go_back"}]


def test_a_first_fetch_is_let_in_with_its_last_day_and_held_against_none(run):
    stage = run(report_csv=report())
    assert verdicts(stage) == [("report.csv", "accepted", None, True)]
    (row,) = stage.rows("ops.vintages").to_pylist()
    assert (row["last_on"], row["against"], row["message"]) == (date(2020, 4, 9), None, None)
    assert judged(stage) == (80, 80, {})


def test_the_next_one_is_held_against_it_and_takes_its_place(run):
    run(report_csv=report())
    stage = run(report_csv=report(47))
    assert verdicts(stage) == [("report.csv", "accepted", None, False), ("report.csv", "accepted", None, True)]
    old, new = sorted(stage.rows("ops.vintages").to_pylist(), key=lambda row: row["fetched_at"])
    assert (new["against"], old["against"]) == (old["vintage"], None)
    assert judged(stage) == (94, 94, {})


class TestRefusal:
    @pytest.fixture
    def refused(self, run):
        before = run(report_csv=report())
        return before, run(report_csv=report(47, factor=2))

    def test_no_row_of_a_refused_fetch_is_published_and_those_in_force_stay(self, refused):
        before, stage = refused
        assert stage.rows("mobility") == before.rows("mobility")
        assert stage.rows("mobility_revisions") == before.rows("mobility_revisions")
        (_, verdict, rules, is_in_force) = verdicts(stage)[1]
        assert (verdict, is_in_force) == ("refused", False)
        assert {"history_rewritten", "values_scaled"} <= set(rules.split(", "))

    def test_all_its_rows_are_set_aside_under_the_first_rule_that_stops(self, refused):
        _, stage = refused
        assert judged(stage) == (94, 0, {"history_rewritten": 94})

    def test_the_quarantine_has_it_once_with_what_happened_and_a_remedy(self, refused):
        _, stage = refused
        (row,) = rows_of_gate(stage, "ops.quarantine")
        vintages = sorted(stage.rows("ops.vintages").to_pylist(), key=lambda one: one["fetched_at"])
        assert (row["table_name"], row["source"], row["uri"]) == ("mobility", "google", "report.csv")
        assert row["vintage"] == vintages[1]["vintage"]
        assert row["message"].startswith("report.csv: a factor of 2 explains 100% of what changed in the file; ")
        assert row["message"].endswith(": mend it upstream, or let it in with `tidemill quarantine release`")
        assert json.loads(row["raw_row"]) == {
            "place": "report.csv",
            "vintage": vintages[1]["vintage"],
            "against": vintages[0]["vintage"],
        }

    def test_the_ledger_has_each_rule_once_and_the_rows_once(self, refused):
        _, stage = refused
        lines = rows_of_gate(stage, "ops.ledger")
        assert len({row["rule"] for row in lines}) == len(lines) > 1
        assert {row["outcome"] for row in lines} == {"set_aside"}
        assert [row["n_rows_set_aside"] for row in lines if row["n_rows_set_aside"] is not None] == [94]
        scaled = next(row for row in lines if row["rule"] == "values_scaled")
        assert (scaled["score"], scaled["threshold"]) == (1.0, pytest.approx(0.9))

    def test_of_a_rule_the_ledger_has_the_worst_score(self, run):
        run(report_csv=report())
        lines = report(47).splitlines()
        for place in (1, 2, 3):  # three values of one category are others, and one of those beside it
            fields = lines[place].split(",")
            for column in (9, 10, 11):
                fields[column] = str(int(fields[column]) + 9 * (place == 1 or column == 10))
            lines[place] = ",".join(fields)
        (row,) = rows_of_gate(run(report_csv="\n".join(lines) + "\n"), "ops.ledger")
        assert (row["rule"], row["score"]) == ("history_rewritten", pytest.approx(3 / 80))

    def test_the_same_again_is_judged_as_before_and_nothing_is_done_anew(self, run, refused):
        _, stage = refused
        again = run(report_csv=report(47, factor=2))
        assert again.rows("ops.vintages") == stage.rows("ops.vintages")
        third = run(report_csv=report(47, factor=2))
        assert third.done() == []

    def test_a_fetch_that_a_person_lets_in_is_published_and_its_findings_are_still_told(self, lake, run, refused):
        _, stage = refused
        (new,) = [row for row in stage.rows("ops.vintages").to_pylist() if row["verdict"] == "refused"]
        VintageLog.read(lake, "google").release("report.csv", new["raw_sha256"])
        released = run(report_csv=report(47, factor=2))
        (_, verdict, rules, is_in_force) = verdicts(released)[1]
        assert (verdict, is_in_force) == ("released", True)
        assert "values_scaled" in rules
        assert judged(released) == (94, 94, {})
        assert min(released.rows("mobility")["change_pct"].drop_null().to_pylist()) == -26 * 2
        assert rows_of_gate(released, "ops.quarantine") == []

    def test_an_older_vintage_that_is_offered_again_is_refused(self, run):
        run(report_csv=report())
        before = run(report_csv=report(47))
        stage = run(report_csv=report())
        assert verdicts(stage)[0] == ("report.csv", "refused", "dates_go_back, values_gone", False)
        assert stage.rows("mobility") == before.rows("mobility")


class TestFilesThatWereRefusedByParsing:
    PAGE = "<!doctype html><html><body>502 Bad Gateway</body></html>"

    def test_an_error_page_is_refused_and_told_once(self, run):
        before = run(report_csv=report())
        stage = run(report_csv=self.PAGE)
        assert stage.rows("mobility") == before.rows("mobility")
        (_, verdict, rule, is_in_force) = verdicts(stage)[1]
        told = [row for row in stage.rows("ops.quarantine").to_pylist() if row["uri"] == "report.csv"]
        assert (verdict, is_in_force, [row["rule"] for row in told]) == ("refused", False, [rule])
        assert judged(stage) == (0, 0, {})

    @pytest.mark.parametrize("content", [PAGE, HEADER + "\n"])
    def test_what_cannot_be_read_cannot_be_let_in_by_hand_and_says_no_word_of_it(self, lake, run, content):
        before = run(report_csv=report())
        refused = run(report_csv=content)
        (row,) = [one for one in refused.rows("ops.vintages").to_pylist() if one["verdict"] == "refused"]
        assert row["message"].endswith(": mend it upstream")
        VintageLog.read(lake, "google").release("report.csv", row["raw_sha256"])
        stage = run(report_csv=content)
        assert [one[1] for one in verdicts(stage)] == ["accepted", "refused"]
        assert stage.rows("mobility") == before.rows("mobility")

    def test_of_a_first_archive_the_other_members_go_on_and_a_later_one_is_judged_whole(self, run):
        members = {"a.csv": report(), "b.csv": report(country="DE", name="Germany")}
        broken = {**members, "b.csv": self.PAGE}
        first = run(report_zip=zipped(broken))
        assert [one[1] for one in verdicts(first)] == ["warned"]
        assert first.rows("mobility").num_rows == 80 * 6
        whole = run(report_zip=zipped(members))
        assert [one[1] for one in verdicts(whole)] == ["warned", "accepted"]
        later = run(report_zip=zipped({**broken, "c.csv": report(country="NO", name="Norway")}))
        assert [one[1] for one in verdicts(later)] == ["warned", "accepted", "refused"]
        assert later.rows("mobility") == whole.rows("mobility")
        more = run(report_zip=zipped({**members, "c.csv": self.PAGE}))  # a member that nothing stands for yet
        assert [one[1] for one in verdicts(more)][-1] == "refused"

    def test_a_header_alone_has_no_row_that_can_be_used(self, run):
        before = run(report_csv=report())
        stage = run(report_csv=HEADER + "\n")
        assert verdicts(stage)[1] == ("report.csv", "refused", "no_rows", False)
        assert stage.rows("mobility") == before.rows("mobility")


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


class TestBeside:
    def test_two_files_of_one_source_that_contradict_each_other_are_told_of(self, run):
        other = report(factor=2)
        stage = run(report_a_csv=report(), report_b_csv=other, report_c_csv=report(country="DE", name="Germany"))
        assert {(uri, verdict, rule) for uri, verdict, rule, _ in verdicts(stage)} == {
            ("report_a.csv", "accepted", None),
            ("report_b.csv", "warned", "files_contradict"),
            ("report_c.csv", "accepted", None),
        }
        line_of = [row for row in rows_of_gate(stage, "ops.ledger") if row["rule"] == "files_contradict"]
        assert [(row["outcome"], row["n_rows_out"]) for row in line_of] == [("kept", 80)]

    def test_each_place_is_judged_by_itself(self, run):
        run(report_a_csv=report(), report_b_csv=report(country="DE", name="Germany"))
        stage = run(report_a_csv=report(47, factor=2), report_b_csv=report(47, country="DE", name="Germany"))
        present = {row["uri"]: row["verdict"] for row in stage.rows("ops.vintages").to_pylist() if row["is_offered"]}
        assert present == {"report_a.csv": "refused", "report_b.csv": "accepted"}
        assert judged(stage) == (188, 94, {"history_rewritten": 94})


class TestPolicy:
    def test_an_index_that_goes_another_way_is_refused(self, run):
        before = run(report_csv=report(), index_stringency_csv=rules_of())
        stage = run(index_stringency_csv=rules_of(47, turned=True))
        (_, verdict, rules, _) = verdicts(stage, "oxford")[1]
        assert (verdict, "history_of_another_shape" in rules) == ("refused", True)
        assert stage.rows("policy") == before.rows("policy")
        assert judged(stage, "oxford")[1] == 0

    def test_an_index_that_is_revised_is_let_in(self, run):
        run(index_stringency_csv=rules_of())
        stage = run(index_stringency_csv=rules_of(47).replace(",5,", ",6,"))
        assert [one[1] for one in verdicts(stage, "oxford")] == ["accepted", "accepted"]


def test_it_leaves_a_row_for_each_place_that_offers_anything(run, lake):
    stage = run(report_a_csv=report(), index_stringency_csv=rules_of())
    left = {
        record.subject: read_table(lake, record.files_of("verdicts")).to_pylist()
        for record in stage.steps
        if record.step == "judge_fetches"
    }
    assert {source: [row["uri"] for row in rows] for source, rows in left.items()} == {
        "google": ["report_a.csv"],
        "oxford": ["index_stringency.csv"],
    }
