"""The score of the gate is counted right: what is changed, what is noticed, on a small report through the reader."""

import numpy as np
import pytest
from support.gate_reports import report_of

from benchmarks.damages import VALUES, as_csv, with_values
from benchmarks.gate import Outcome, is_changed, of_country, outcome, read_report, up_to
from tasks.transforms.mobility.gate_panel import Finding
from tasks.transforms.mobility.gate_reports import report_panels

OLD, NEW = report_of(28), report_of(30)


def panel_of(report):
    return report_panels([], [read_report(as_csv(report))])[1]


def judged(spoilt, kind=("made", True)):
    return outcome(kind, as_csv(OLD), as_csv(NEW), as_csv(spoilt))


def one_value(report, text, row=5, column=0):
    changed = report.copy()
    changed.loc[row, VALUES[column]] = text
    return changed


class TestReading:
    def test_a_report_has_its_regions_rows_and_counts(self):
        read = read_report(as_csv(NEW))
        assert [region.subregion_1 for region in read.regions.values()] == [None, "Skåne County", "Uppsala County"]
        assert (read.rows.num_rows, read.n_rows_in, read.n_broken) == (90, 90, 0)

    def test_broken_rows_are_counted(self):
        read = read_report(as_csv(one_value(NEW, "many")))
        assert (read.rows.num_rows, read.n_rows_in, read.n_broken) == (89, 90, 1)

    def test_a_file_that_is_refused_whole_has_no_rows(self):
        read = read_report(as_csv(NEW.drop(columns="date")))
        assert (read.rows, read.regions, read.n_broken > 0) == (None, {}, True)

    def test_the_part_of_a_country_and_the_days_until_one(self):
        both = read_report(as_csv(NEW.assign(country_region_code="NO")) + as_csv(NEW).partition(b"\n")[2])
        sweden = of_country(both, "SE")
        assert ({region.country_code for region in sweden.regions.values()}, sweden.rows.num_rows) == ({"SE"}, 90)
        whole = panel_of(NEW)
        first = up_to(whole, int(whole.days.max()) - 2)
        assert len(first.days) == 84
        assert not is_changed(first, panel_of(OLD))


class TestChanges:
    @pytest.mark.parametrize(("text", "is_other"), [("same", False), ("+0.5", False), ("+0.6", True), ("", True)])
    def test_a_value_that_is_another_by_more_than_rounding_or_gone(self, text, is_other):
        before = float(NEW.loc[5, VALUES[0]])
        texts = {"same": f"{before:g}", "+0.5": f"{before + 0.5:g}", "+0.6": f"{before + 0.6:g}", "": ""}
        assert is_changed(panel_of(NEW), panel_of(one_value(NEW, texts[text]))) is is_other

    def test_values_and_rows_that_come_or_go(self):
        right = panel_of(NEW)
        assert is_changed(right, panel_of(one_value(NEW, "3", row=0, column=2)))  # was not published
        assert is_changed(right, panel_of(NEW.iloc[1:]))
        assert is_changed(panel_of(NEW.iloc[1:]), right)

    def test_the_order_of_lines_and_whole_numbers_with_a_point_are_no_change(self):
        assert not is_changed(panel_of(NEW), panel_of(NEW.iloc[::-1]))
        assert not is_changed(panel_of(NEW), panel_of(with_values(NEW, lambda value: value + 0.0)))


class TestOutcomes:
    def test_the_fetch_as_it_should_be_is_neither_changed_nor_noticed(self):
        one = judged(NEW, ("none", False))
        assert (one.kind, one.is_old, one.is_changed, one.is_noticed, one.is_stopped) == ("none", False) + (False,) * 3

    def test_a_damage_that_the_gate_stops(self):
        one = judged(with_values(NEW, lambda value: -value))
        assert (one.is_changed, one.is_noticed, one.is_stopped) == (True, True, True)

    def test_a_damage_that_is_told_alone(self):
        one = judged(NEW[NEW["sub_region_1"] != "Skåne County"])
        assert (one.is_changed, one.is_noticed, one.is_stopped) == (True, True, False)

    def test_a_row_that_is_set_aside_is_noticed(self):
        one = judged(one_value(NEW, "many", row=29))  # of a new day, whose gap nothing else speaks of
        assert (one.is_changed, one.findings, one.n_broken, one.is_noticed, one.is_stopped) == (
            True,
            (),
            1,
            True,
            False,
        )

    def test_a_damage_of_new_days_that_nothing_notices_counts_as_such(self):
        one = judged(one_value(NEW, "7", row=29))
        assert (one.is_changed, one.is_noticed) == (True, False)

    def test_what_is_noticed_is_a_finding_or_a_row_set_aside(self):
        finding = Finding("a", "warn", "", 0.0, 0.0)
        expected = [((), 0, False, False), ((finding,), 0, True, False), ((), 1, True, False)]
        for findings, n_broken, is_noticed, is_stopped in expected:
            one = Outcome("made", is_old=True, is_changed=True, findings=findings, n_broken=n_broken)
            assert (one.is_noticed, one.is_stopped) == (is_noticed, is_stopped)


def test_the_seed_alone_decides(monkeypatch):
    """Two days of damages on a hand-made archive of one country, drawn twice."""
    from benchmarks import gate  # noqa: PLC0415

    monkeypatch.setattr(gate, "country_files", lambda: {"SE2020": as_csv(report_of(160))})
    first, second = (list(gate.damaged(8, seed=5)) for _ in range(2))
    assert first == second
    assert [one.kind for one in first] == list(gate.DAMAGES)[:8]
    assert np.mean([one.is_changed for one in first]) > 0.5
