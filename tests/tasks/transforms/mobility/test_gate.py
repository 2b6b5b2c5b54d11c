"""The gate as a whole: which of its rules are asked, what stops, and how the findings are told in one sentence."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.gate_panels import COLUMNS, changed, fetch, panel_of, rules

from tasks.transforms.mobility import gate
from tasks.transforms.mobility.gate import RULES, UNREADABLE, in_words, judge, stops
from tasks.transforms.mobility.gate_panel import Finding
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE

BOTH = pytest.mark.parametrize("thresholds", [MOBILITY_GATE, POLICY_GATE])


def finding(rule, severity="stop", message=None, score=1.0, country=""):
    return Finding(rule, severity, message or f"{rule} of {country}", score, 0.0, country)


class TestJudging:
    @BOTH
    def test_the_same_again_and_a_fetch_that_only_goes_on_are_well(self, thresholds):
        old, new = (panel_of(fetch("SE", "SE/a", "DE", n_days=n)) for n in (100, 107))
        assert judge(old, old, thresholds) == judge(old, new, thresholds) == judge(None, new, thresholds) == []

    @BOTH
    def test_a_fetch_without_rows_stops_and_nothing_else_is_asked(self, thresholds):
        for old in (panel_of(fetch("SE")), panel_of({}), None):
            (found,) = judge(old, panel_of({}), thresholds)
            assert (found.rule, found.severity) == ("no_rows", "stop")

    @BOTH
    @pytest.mark.parametrize(
        ("n_good", "n_broken", "is_told"), [(380, 20, False), (379, 21, True), (81, 19, False), (80, 20, True)]
    )
    def test_more_than_a_twentieth_of_broken_rows_stop_if_they_are_twenty(self, n_good, n_broken, is_told, thresholds):
        new = panel_of(fetch("SE", n_days=n_good), n_broken=n_broken)
        for old in (new, None):
            found = judge(old, new, thresholds)
            assert rules(found) == ({("rows_broken", "stop")} if is_told else set())
            assert [one.message for one in found] == (
                [f"{n_broken} of its {n_good + n_broken} rows cannot be used"] if is_told else []
            )

    def test_broken_rows_are_told_beside_no_row_at_all(self):
        found = judge(None, panel_of({}, n_broken=30), MOBILITY_GATE)
        assert [one.rule for one in found] == ["rows_broken", "no_rows"]

    @BOTH
    def test_a_column_that_has_gone_stops_and_one_that_comes_is_well(self, thresholds):
        wide = panel_of(fetch("SE"))
        narrow = panel_of({key: (values[1],) for key, values in fetch("SE").items()}, (COLUMNS[1],))
        (found,) = judge(wide, narrow, thresholds)
        assert (found.rule, found.severity, found.column, found.score) == ("column_gone", "stop", COLUMNS[0], 2.0)
        assert found.message == "it lacks retail_and_recreation, residential, which is in force"
        assert judge(narrow, wide, thresholds) == []

    @BOTH
    def test_fetches_without_a_column_in_common_stop_for_that(self, thresholds):
        one, other = (
            panel_of({key: values[:1] for key, values in fetch("SE", n_days=n).items()}, (name,))
            for name, n in (("stringency_index", 100), ("containment_health_index", 107))
        )
        assert rules(judge(one, other, thresholds)) == {("column_gone", "stop")}

    def test_old_days_and_new_days_are_asked_about_alike(self):
        old = fetch("SE", "DE")
        new = changed(fetch("SE", "DE", n_days=110), lambda _: None, where=lambda _, day: day >= 100, columns=(0,))
        new = changed(new, lambda value: -value, where=lambda region, day: region == "SE" and day < 50)
        assert rules(judge(panel_of(old), panel_of(new), MOBILITY_GATE)) == {
            ("history_rewritten", "stop"),
            ("signs_lost", "stop"),
            ("column_fell_silent", "warn"),
        }

    def test_a_first_fetch_is_held_against_itself_and_the_other_files_of_its_source(self):
        cells = fetch("SE", "DE")
        agreeing, other = panel_of(cells), panel_of(changed(cells, lambda value: value + 1, columns=(1,)))
        assert judge(None, panel_of(cells), MOBILITY_GATE, [agreeing, panel_of({})]) == []
        found = judge(None, panel_of(cells), MOBILITY_GATE, [agreeing, other])
        assert [(one.rule, one.severity, one.country_code) for one in found] == [
            ("files_contradict", "warn", "DE"),
            ("files_contradict", "warn", "SE"),
        ]
        still = panel_of(changed(cells, lambda _: 4.0))
        assert rules(judge(panel_of({}), still, MOBILITY_GATE)) == {("series_stand_still", "warn")}
        assert judge(agreeing, panel_of(cells), MOBILITY_GATE, [other]) == []  # of a later fetch its past alone

    @BOTH
    def test_neither_the_order_of_rows_nor_of_regions_changes_a_finding(self, thresholds):
        old = fetch("SE", "DE", "DE/a", "DE/b")
        new = changed(fetch("SE", "DE", "DE/a", n_days=107), lambda value: value * 16, where=lambda _, day: day > 30)
        found = judge(panel_of(old), panel_of(new), thresholds)
        assert ("values_scaled", "stop") in rules(found)
        for seed in range(3):
            shuffled = [list(one.items()) for one in (old, new)]
            for one in shuffled:
                random.Random(seed).shuffle(one)
            assert judge(*(panel_of(dict(one)) for one in shuffled), thresholds) == found

    def test_what_is_given_is_not_changed(self):
        old, new = panel_of(fetch("SE")), panel_of(changed(fetch("SE", n_days=107), abs))
        before = [one.values.copy() for one in (old, new)]
        judge(old, new, replace(MOBILITY_GATE, rounding=0.0))
        assert all(np.array_equal(one.values, kept) for one, kept in zip((old, new), before, strict=True))


def test_every_rule_is_among_those_that_are_declared_and_no_other_is():
    """A fetch is let in by hand only where all of its rules are known."""
    rooms = Path(gate.__file__).parent.glob("gate*.py")
    text = "\n".join(re.sub(r"(?s)TELLING = .*?UNREADABLE", "", path.read_text()) for path in rooms)
    assert set(re.findall(r'[Ff]inding\(\s*"(\w+)"', text)) <= RULES
    assert {name for name in RULES if f'"{name}"' not in text} == set()
    assert UNREADABLE <= RULES


class TestStopping:
    def test_one_finding_that_stops_is_enough(self):
        assert stops([finding("a", "warn"), finding("b", "stop")])
        assert not stops([finding("a", "warn")])
        assert not stops([])


class TestWords:
    def test_those_that_stop_are_told_alone(self):
        assert in_words([finding("a", "warn", "one"), finding("b", "stop", "two")]) == "two"
        assert in_words([finding("a", "warn", "one")]) == "one"
        assert in_words([]) == ""

    def test_of_a_rule_the_worst_is_told_and_how_many_more_there_are(self):
        for worst in (-0.9, 0.9):
            scores = (("SE", 0.2), ("DE", worst), ("IT", -0.5), ("FR", 0.5))
            found = [finding("a", score=score, country=code) for code, score in scores]
            assert in_words(found) == "a of DE (and 3 more)"
        even = [finding("a", country=code) for code in ("SE", "DE")]
        assert in_words(even) == in_words(even[::-1]) == "a of DE (and 1 more)"

    def test_three_rules_are_told_first_those_that_say_what_happened(self):
        names = ["history_rewritten", "values_gone", "regions_gone", "dates_go_back", "signs_lost"]
        sentence = in_words([finding(name, message=name) for name in names])
        assert sentence == "signs_lost; dates_go_back; regions_gone"
        assert in_words([finding(name, message=name) for name in names[:2]]) == "history_rewritten; values_gone"
