"""The rules on old days: each speaks where its threshold is passed, and not one cell before."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_gate import slow_counts
from support.gate_panels import COLUMNS, changed, fetch, rules, sides_of, told

from tasks.transforms.mobility.gate_history import _count, contradictions, history_findings
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE

VALUE = st.none() | st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0])
CELLS = st.dictionaries(
    st.tuples(st.sampled_from(["DE", "SE", "SE/Skåne"]), st.integers(0, 6)),
    st.tuples(VALUE, VALUE, VALUE),
    min_size=1,
    max_size=20,
)
RETAIL = COLUMNS[0]


def findings(old, new, thresholds=MOBILITY_GATE):
    return list(history_findings(sides_of(old, new), thresholds))


def countries(n):
    return [f"{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(n)]


def without(cells, *regions):
    return {key: values for key, values in cells.items() if key[0] not in regions}


def of_first(n, column=0):
    """Whether a cell is one of the first `n` days of SE."""
    return {"where": lambda region, day: region == "SE" and day < n, "columns": (column,)}


class TestCounts:
    @given(old=CELLS, new=CELLS, n_preliminary_days=st.integers(0, 4), rounding=st.sampled_from([0.0, 0.25, 0.5]))
    @settings(deadline=None, max_examples=200)
    def test_they_are_those_of_a_loop_over_all_cells(self, old, new, n_preliminary_days, rounding):
        thresholds = replace(MOBILITY_GATE, n_preliminary_days=n_preliminary_days, rounding=rounding)
        counts = _count(sides_of(old, new), thresholds)
        slow, size = slow_counts(old, new, n_preliminary_days=n_preliminary_days, rounding=rounding)
        found = {"was": counts.n_was, "gone": counts.n_gone, "both": counts.n_both, "moved": counts.n_moved}
        found |= {"gap": counts.n_gap, "filled": counts.n_filled}
        places = [(country, column) for country in counts.countries.tolist() for column in range(len(COLUMNS))]
        for name, numbers in found.items():
            assert [slow[name][place] for place in places] == numbers.ravel().tolist(), name
        assert [size[place] for place in places] == counts.size.ravel().tolist()

    @given(old=CELLS, new=CELLS, random=st.randoms(use_true_random=False))
    @settings(deadline=None)
    def test_the_order_of_rows_changes_no_finding(self, old, new, random):
        shuffled = [list(one.items()) for one in (old, new)]
        for one in shuffled:
            random.shuffle(one)
        assert findings(*map(dict, shuffled)) == findings(old, new)

    @given(cells=CELLS)
    @settings(deadline=None)
    def test_the_same_again_is_nothing_to_speak_of(self, cells):
        assert findings(cells, cells) == findings(cells, cells, POLICY_GATE) == []


class TestDates:
    def test_an_end_before_the_old_end_stops(self):
        found = findings(fetch("SE", n_days=100), fetch("SE", n_days=97))
        assert [(one.rule, one.severity, one.score) for one in found] == [("dates_go_back", "stop", -3.0)]
        assert found[0].message == "it ends on 1970-04-07, and what is in force on 1970-04-10: an older or a cut file"

    @pytest.mark.parametrize("n_days", [100, 101])
    def test_the_same_end_and_a_later_one_are_well(self, n_days):
        assert findings(fetch("SE", n_days=100), fetch("SE", n_days=n_days)) == []

    def test_a_country_that_ends_earlier_is_well_where_the_file_does_not(self):
        old = fetch("SE", "DE", n_days=100)
        assert findings(old, {**fetch("SE", n_days=98), **fetch("DE", n_days=100)}) == []


class TestCountries:
    def test_of_mobility_one_of_twenty_that_has_gone_stops(self):
        old = fetch(*countries(20), n_days=3)
        (found,) = findings(old, without(old, "AC"))
        assert (found.rule, found.severity, found.score) == ("countries_gone", "stop", 0.05)
        assert found.message == "1 of 20 countries have gone: AC"

    @pytest.mark.parametrize(
        ("n_gone", "n", "expected"),
        [
            (1, 20, set()),
            (1, 19, {("countries_gone", "warn")}),
            (2, 20, {("countries_gone", "warn")}),
            (2, 19, {("countries_gone", "stop")}),
            (1, 2, {("countries_gone", "stop")}),
            (1, 1, {("countries_gone", "stop")}),
        ],
    )
    def test_of_policy_a_twentieth_may_go_and_up_to_a_tenth_is_told(self, n_gone, n, expected):
        old = fetch(*countries(n), n_days=3)
        new = {**without(old, *countries(n)[:n_gone]), **fetch("ZZ", n_days=3)}
        assert rules(findings(old, new, POLICY_GATE)) == expected

    def test_more_than_five_are_not_all_named(self):
        old = fetch(*countries(7), n_days=3)
        (found,) = findings(old, without(old, *countries(6)))
        assert found.message == "6 of 7 countries have gone: AA, AB, AC, AD, AE …"

    def test_new_countries_are_well(self):
        assert findings(fetch("SE"), fetch("SE", "DE")) == []


class TestRegions:
    @pytest.mark.parametrize(
        ("n_gone", "n", "expected"),
        [
            (0, 20, []),
            (1, 20, [("regions_gone", "warn", "SE", "")]),
            (1, 2, [("regions_gone", "warn", "SE", "")]),
            (2, 20, [("regions_gone", "warn", "SE", "")]),
            (2, 19, [("regions_gone", "stop", "SE", "")]),
        ],
    )
    def test_of_mobility_two_that_are_more_than_a_tenth_stop_and_fewer_are_told(self, n_gone, n, expected):
        names = [f"SE/{number:02}" for number in range(n)]
        old = fetch(*names, "DE", n_days=3)
        assert told(findings(old, without(old, *names[:n_gone]))) == expected

    def test_of_policy_a_twentieth_may_go(self):
        names = [f"US/{number:02}" for number in range(20)]
        old = fetch(*names, n_days=3)
        assert findings(old, without(old, names[0]), POLICY_GATE) == []
        assert rules(findings(old, without(old, *names[:2]), POLICY_GATE)) == {("regions_gone", "warn")}

    def test_those_that_come_new_are_counted_beside_those_that_have_gone(self):
        old = fetch("SE", "SE/a", "SE/b", n_days=3)
        (found,) = findings(old, {**without(old, "SE/a", "SE/b"), **fetch("SE/c", n_days=3)})
        words = "2 of 3 regions of SE have gone (SE/a, SE/b), and 1 come new: renamed, or lost"
        assert (found.severity, found.message, found.score) == ("stop", words, pytest.approx(2 / 3))
        (found,) = findings(old, without(old, "SE/a"))
        assert found.message == "1 of 3 regions of SE have gone (SE/a)"

    def test_a_country_that_has_gone_is_not_told_again_by_its_regions_and_values(self):
        old = fetch("DE", "SE", "SE/a", "SE/b", n_days=30)
        assert {one.rule for one in findings(old, without(old, "SE", "SE/a", "SE/b"))} == {"countries_gone"}


class TestValues:
    @pytest.mark.parametrize(
        ("n_gone", "expected"),
        [
            (0, []),
            (1, [("values_gone", "warn", "SE", RETAIL)]),
            (5, [("values_gone", "warn", "SE", RETAIL)]),
            (6, [("values_gone", "stop", "SE", RETAIL)]),
        ],
    )
    def test_a_twentieth_that_has_gone_is_told_and_more_stop(self, n_gone, expected):
        old = fetch("SE", "DE", n_days=103)  # the last three days are not counted
        new = changed(old, lambda _: None, **of_first(n_gone))
        assert told(findings(old, new)) == expected
        assert told(findings(old, new, POLICY_GATE)) == expected

    @pytest.mark.parametrize(("n_days", "expected"), [(3, set()), (4, {("values_gone", "warn")})])
    def test_the_last_three_days_may_be_withdrawn(self, n_days, expected):
        old = fetch("SE", "DE")
        new = changed(old, lambda _: None, where=lambda region, day: region == "SE" and day >= 100 - n_days)
        assert rules(findings(old, new)) == expected

    def test_rows_that_have_gone_take_their_values_with_them(self):
        old = fetch("SE", "DE", n_days=103)
        new = {key: values for key, values in old.items() if not (key[0] == "SE" and 10 <= key[1] < 16)}
        assert told(findings(old, new)) == [("values_gone", "stop", "SE", name) for name in sorted(COLUMNS)]
        assert findings(old, new)[0].message == "6 of 100 old values of retail_and_recreation in SE have gone"

    @pytest.mark.parametrize(("n_moved", "severity"), [(1, "warn"), (2, "warn"), (3, "stop")])
    def test_of_mobility_a_hundredth_that_is_rewritten_is_told_and_more_stop(self, n_moved, severity):
        old = fetch("SE", "DE", n_days=200)
        new = changed(old, lambda value: value + 0.75, **of_first(n_moved))
        assert told(findings(old, new)) == [("history_rewritten", severity, "SE", RETAIL)]

    @pytest.mark.parametrize(("step", "is_told"), [(0.5, False), (-0.5, False), (0.5625, True), (-0.5625, True)])
    def test_half_a_point_is_rounding(self, step, is_told):
        old = fetch("SE")
        assert bool(findings(old, changed(old, lambda value: value + step))) is is_told

    def test_of_policy_all_may_be_rewritten_that_keeps_its_course(self):
        old = fetch("SE")
        assert findings(old, changed(old, lambda value: value + 10), POLICY_GATE) == []

    @pytest.mark.parametrize(("step", "expected"), [(12.0, set()), (12.25, {("revision_too_large", "stop")})])
    def test_of_policy_twelve_points_on_average_are_the_most(self, step, expected):
        old = fetch("SE", "DE")
        found = findings(old, changed(old, lambda value: value + step), POLICY_GATE)
        assert rules(found) == expected
        assert [one.column for one in found] == (list(COLUMNS) if expected else [])

    @pytest.mark.parametrize(("n_filled", "severity"), [(0, None), (1, "warn"), (5, "warn"), (6, "stop")])
    def test_a_twentieth_of_gaps_that_is_filled_is_told_and_more_stop(self, n_filled, severity):
        whole = fetch("SE", n_days=200)
        old = changed(whole, lambda _: None, **of_first(100))
        new = changed(whole, lambda _: None, where=lambda _, day: n_filled <= day < 100, columns=(0,))
        expected = [] if severity is None else [("gaps_filled", severity, "SE", RETAIL)]
        assert told(findings(old, new)) == expected
        assert findings(old, new, POLICY_GATE) == []

    def test_rows_of_days_that_were_not_there_are_no_gaps(self):
        new = fetch("SE")
        old = {key: values for key, values in new.items() if key[1] % 2}
        assert findings(old, new) == []


RISING = {("SE", day): (float(day), 0.0, float(day % 7)) for day in range(40)}


class TestShape:
    def turned(self, n, n_days=40):
        """The first column of the first `n` days in the opposite order."""
        return {
            (region, day): (float(n - 1 - day) if day < n else values[0], *values[1:])
            for (region, day), values in RISING.items()
            if day < n_days
        }

    def test_of_policy_an_index_that_goes_another_way_stops(self):
        (found,) = [one for one in findings(RISING, self.turned(40), POLICY_GATE) if one.rule[:7] == "history"]
        assert (found.rule, found.severity, found.column) == ("history_of_another_shape", "stop", RETAIL)
        assert found.score == pytest.approx(-1.0)
        assert (
            findings(RISING, self.turned(40), replace(POLICY_GATE, least_correlation=-1.0, most_mean_revision=99.0))
            == []
        )

    def test_three_quarters_are_enough(self):
        """With the first n of 40 days turned it is 1 - 2·(n³-n)/(40³-40): 0.51 for 25, 0.79 for 19."""
        assert rules(findings(RISING, self.turned(25), POLICY_GATE)) == {("history_of_another_shape", "stop")}
        assert findings(RISING, self.turned(19), POLICY_GATE) == []

    def test_each_country_is_asked_by_itself(self):
        old = {**RISING, **{("DE", day): values for (_, day), values in RISING.items()}}
        (found,) = findings(old, {**old, **self.turned(40)}, POLICY_GATE)
        assert (found.country_code, found.score) == ("SE", pytest.approx(-1.0))

    @pytest.mark.parametrize(("n_days", "is_told"), [(29, False), (30, True)])
    def test_thirty_values_are_needed(self, n_days, is_told):
        old = {key: values for key, values in RISING.items() if key[1] < n_days}
        thresholds = replace(POLICY_GATE, most_mean_revision=99.0)
        assert bool(findings(old, self.turned(n_days, n_days), thresholds)) is is_told

    def test_what_hardly_moves_has_no_shape(self):
        old = {key: (values[0] % 3, *values[1:]) for key, values in RISING.items()}
        assert findings(old, changed(old, lambda value: 2 - value, columns=(0,)), POLICY_GATE) == []


class TestContradictions:
    def test_values_that_another_file_tells_otherwise_are_told_by_country_and_column(self):
        one, other = fetch("SE", "DE"), changed(fetch("SE", "DE"), lambda value: value + 1, **of_first(7, column=2))
        (found,) = contradictions(sides_of(one, other), MOBILITY_GATE)
        assert (found.rule, found.severity, found.column) == ("files_contradict", "warn", "residential")
        assert found.message == "7 of 100 values of residential in SE contradict another file of the source"

    def test_files_that_agree_or_tell_of_other_days_and_regions_are_well(self):
        one = fetch("SE", "DE")
        for other in (one, fetch("SE", first_day=100), fetch("NO"), changed(one, lambda value: value + 0.5)):
            assert list(contradictions(sides_of(one, other), MOBILITY_GATE)) == []
        assert list(contradictions(sides_of(one, changed(one, lambda value: value + 9)), POLICY_GATE)) == []
