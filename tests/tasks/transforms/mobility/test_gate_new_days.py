"""The rules on new days: each speaks where it should and not one step before; what really happens passes."""

from dataclasses import replace

import pytest
from support.gate_panels import COLUMNS, changed, fetch, panel_of, rules, sides_of, told

from tasks.transforms.mobility.gate_new_days import alone_findings, new_day_findings
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE

PAST = 140
RETAIL = COLUMNS[0]


def findings(cells, thresholds=MOBILITY_GATE, *, past=PAST, old=None):
    """What is found where the fetch before had the days until `past`."""
    before = {key: values for key, values in cells.items() if key[1] < past} if old is None else old
    return list(new_day_findings(sides_of(before, cells), thresholds))


def until(n_new, *regions, n_past=PAST):
    return fetch(*(regions or ("SE", "SE/a", "DE")), n_days=n_past + n_new)


def of_sweden(first=PAST, last=10_000):
    return {"where": lambda region, day: region[:2] == "SE" and first <= day < last}


@pytest.mark.parametrize("n_new", [0, 1, 3, 7, 28])
@pytest.mark.parametrize("thresholds", [MOBILITY_GATE, POLICY_GATE])
def test_new_days_like_the_old_ones_are_nothing_to_speak_of(n_new, thresholds):
    assert findings(until(n_new), thresholds) == []


def with_a_season(cells):
    """The cells with forty points of difference between the quiet and the busy weeks of a season of ten weeks."""
    return {
        (region, day): tuple(value + 2 * abs(day % 70 // 7 * 4 - 18) - 20 for value in values)
        for (region, day), values in cells.items()
    }


@pytest.mark.parametrize("thresholds", [MOBILITY_GATE, POLICY_GATE])
@pytest.mark.parametrize("n_new", [1, 4, 14])
def test_christmas_passes(n_new, thresholds):
    """Three days as deep as there were none, then some above all that was."""
    cells = changed(with_a_season(until(n_new)), lambda value: value - 30, **of_sweden(last=PAST + 3))
    cells = changed(cells, lambda value: value + 20, **of_sweden(first=PAST + 3))
    assert findings(cells, thresholds) == []


@pytest.mark.parametrize("thresholds", [MOBILITY_GATE, POLICY_GATE])
def test_a_lockdown_passes(thresholds):
    assert findings(changed(with_a_season(until(14)), lambda value: value - 25, **of_sweden()), thresholds) == []


def test_new_countries_and_regions_are_nothing_to_speak_of():
    old = until(0, "SE")
    assert findings(until(7, "SE", "NO", "SE/new"), old=old) == []


def test_the_order_of_rows_changes_no_finding():
    cells = changed(until(14), lambda _: 0.0, **of_sweden())
    backwards = dict(reversed(cells.items()))
    old = {key: values for key, values in cells.items() if key[1] < PAST}
    assert findings(cells) == findings(backwards, old=dict(reversed(old.items()))) != []


class TestSilence:
    @pytest.mark.parametrize(("n_new", "is_told"), [(2, False), (3, True)])
    def test_a_column_that_falls_silent_for_three_days_is_told(self, n_new, is_told):
        cells = changed(until(n_new), lambda _: None, **of_sweden(), columns=(0,))
        assert told(findings(cells)) == ([("column_fell_silent", "warn", "SE", RETAIL)] if is_told else [])
        assert findings(cells, POLICY_GATE) == []

    @pytest.mark.parametrize(("n_silent", "is_told"), [(2, True), (3, False)])
    def test_one_that_was_silent_before_on_more_than_a_twentieth_may_be(self, n_silent, is_told):
        """Of the 28 last days of two regions 56 cells; 2 are less than a twentieth of them, 3 more."""
        cells = until(7)
        for day in range(PAST - n_silent, PAST):
            cells["SE", day] = (None, *cells["SE", day][1:])
        cells = changed(cells, lambda _: None, **of_sweden(), columns=(0,))
        assert bool(findings(cells)) is is_told

    def test_a_single_value_breaks_the_silence(self):
        cells = changed(until(7), lambda _: None, **of_sweden(), columns=(0,))
        cells["SE/a", PAST + 6] = (-3.0, *cells["SE/a", PAST + 6][1:])
        assert findings(cells) == []


class TestFractions:
    @pytest.mark.parametrize(
        ("n_fractions", "expected"),
        [(0, set()), (1, {("values_finer_than_before", "warn")}), (4, {("values_finer_than_before", "warn")}),
         (5, {("values_finer_than_before", "stop")})],
    )  # fmt: skip
    def test_more_than_a_fifth_of_fractions_stop_and_fewer_are_told(self, n_fractions, expected):
        cells = changed(
            until(20),
            lambda value: value + 0.25,
            where=lambda region, day: region == "DE" and PAST <= day < PAST + n_fractions,
            columns=(0,),
        )
        assert rules(findings(cells)) == expected
        assert findings(cells, POLICY_GATE) == []

    def test_fractions_that_were_there_before_are_well(self):
        assert findings(changed(until(7), lambda value: value + 0.25)) == []

    @pytest.mark.parametrize(("n_past", "is_told"), [(29, False), (30, True)])
    def test_a_past_of_thirty_values_is_needed(self, n_past, is_told):
        cells = changed(until(7, "DE", n_past=n_past), lambda value: value + 0.5, where=lambda _, day: day >= n_past)
        assert bool(findings(cells, past=n_past)) is is_told


class TestZeros:
    def zeros(self, n_zeros, n_new=10):
        """Of 30 new values of DE so many are 0."""
        cells = until(n_new)
        for place in range(n_zeros):
            row = list(cells["DE", PAST + place % n_new])
            row[place // n_new] = 0.0
            cells["DE", PAST + place % n_new] = tuple(row)
        return cells

    @pytest.mark.parametrize(("n_zeros", "is_told"), [(12, False), (13, True)])
    def test_more_than_two_fifths_of_zeros_stop(self, n_zeros, is_told):
        assert told(findings(self.zeros(n_zeros))) == ([("too_many_zeros", "stop", "DE", "")] if is_told else [])

    @pytest.mark.parametrize(("n_zeros", "is_told"), [(15, False), (16, True)])
    def test_of_policy_half_may_be_zeros(self, n_zeros, is_told):
        assert bool(findings(self.zeros(n_zeros), POLICY_GATE)) is is_told

    def test_zeros_of_the_past_are_taken_off(self):
        cells = changed(self.zeros(13), lambda value: 0.0 if value % 5 == 0 else value)
        assert findings(cells) == []

    @pytest.mark.parametrize(("n_new", "severity"), [(1, None), (2, "warn"), (9, "warn"), (10, "stop")])
    def test_fewer_than_thirty_new_values_are_told_and_fewer_than_six_say_nothing(self, n_new, severity):
        found = rules(findings(self.zeros(2 * n_new, n_new)))
        assert found == (set() if severity is None else {("too_many_zeros", severity)})


class TestOneValue:
    @pytest.mark.parametrize(("n_new", "is_told"), [(1, False), (2, True), (7, True)])
    def test_six_values_that_are_all_one_stop(self, n_new, is_told):
        cells = changed(until(n_new), lambda _: -7.0, where=lambda region, day: region == "DE" and day >= PAST)
        found = [one for one in findings(cells) if one.rule != "days_repeated"]
        assert told(found) == ([("one_value", "stop", "DE", "")] if is_told else [])
        assert findings(cells, POLICY_GATE) == []  # an index may stand still

    def test_a_single_other_value_is_enough(self):
        cells = changed(until(4), lambda _: -7.0, where=lambda region, day: region == "DE" and day >= PAST)
        cells["DE", PAST] = (-7.0, -7.0, -8.0)
        assert findings(cells) == []


class TestFalls:
    def rises(self, n_new, n_past=PAST):
        """The new days of SE without a fall."""
        return changed(until(n_new, n_past=n_past), abs, **of_sweden(first=n_past))

    @pytest.mark.parametrize(("n_new", "is_told"), [(2, False), (3, True), (14, True)])
    def test_falls_that_end_at_once_for_three_days_are_told(self, n_new, is_told):
        found = [one for one in findings(self.rises(n_new)) if one.rule != "levels_out_of_range"]
        assert told(found) == ([("falls_gone", "warn", "SE", "")] if is_told else [])
        assert "falls_gone" not in {one.rule for one in findings(self.rises(n_new), POLICY_GATE)}

    @pytest.mark.parametrize(("n_past", "is_told"), [(83, False), (84, True)])
    def test_a_past_of_twelve_weeks_is_needed(self, n_past, is_told):
        found = {one.rule for one in findings(self.rises(7, n_past), past=n_past)}
        assert ("falls_gone" in found) is is_told

    def test_one_fall_among_the_rises_is_enough(self):
        cells = self.rises(7)
        cells["SE", PAST + 2] = (-1.0, *cells["SE", PAST + 2][1:])
        assert "falls_gone" not in {one.rule for one in findings(cells)}

    @pytest.mark.parametrize(("every", "is_told"), [(10, True), (9, False)])
    def test_a_column_that_rose_on_more_than_a_tenth_of_the_last_days_is_not_held_to_its_falls(self, every, is_told):
        """Of 56 cells of the last 28 days 5 or 6 rises at most every tenth cell, 7 every ninth."""
        cells, n = self.rises(7), 0
        for day in range(PAST - 28, PAST):
            for region in ("SE", "SE/a"):
                if n % every == every - 1:
                    cells[region, day] = (5.0, 5.0, 5.0)
                n += 1
        assert ("falls_gone" in {one.rule for one in findings(cells)}) is is_told


class TestRepetition:
    def repeated(self, n_days, weeks=2, first=0):
        cells = until(14, "DE", *(f"DE/{number}" for number in range(5)))  # 18 cells a day
        for region, day in list(cells):
            if PAST + first <= day < PAST + first + n_days:
                cells[region, day] = cells[region, day - 7 * weeks]
        return cells

    @pytest.mark.parametrize(("n_days", "is_told"), [(4, False), (5, True)])
    @pytest.mark.parametrize("weeks", [1, 2, 4])
    def test_five_days_that_are_those_of_weeks_before_stop(self, n_days, weeks, is_told):
        (found,) = findings(self.repeated(n_days, weeks)) or [None]
        assert (found is not None) is is_told
        if is_told:
            assert (found.rule, found.severity) == ("days_repeated", "stop")
            assert found.message == f"{n_days} new days of DE repeat those {7 * weeks} days before"
        assert findings(self.repeated(n_days, weeks), POLICY_GATE) == []

    def test_days_that_are_those_of_three_weeks_before_are_chance(self):
        assert findings(self.repeated(7, weeks=3)) == []

    @pytest.mark.parametrize(("n_others", "is_told"), [(3, True), (4, False)])
    def test_four_fifths_of_the_cells_of_a_day_are_needed(self, n_others, is_told):
        """Of 18 cells 15 are more than four fifths, 14 are not."""
        cells = self.repeated(5)
        for region in [f"DE/{number}" for number in range(n_others)]:
            for day in range(PAST, PAST + 5):
                cells[region, day] = (cells[region, day][0] + 1, *cells[region, day][1:])
        assert bool(findings(cells)) is is_told

    @pytest.mark.parametrize(("n_regions", "is_told"), [(3, False), (4, True)])
    def test_a_small_country_may_repeat_by_chance(self, n_regions, is_told):
        """Five days of 3 regions are 45 cells, of 4 are 60."""
        cells = {
            key: values
            for key, values in self.repeated(5).items()
            if key[0] in ("DE", "DE/0", "DE/1", "DE/2")[:n_regions]
        }
        assert bool(findings(cells)) is is_told


class TestSkippedDays:
    """28 days and 6 regions: what the country has of recent rows."""

    @pytest.mark.parametrize(
        ("n_skipped", "is_told"), [(0, False), (1, True), (2, False), (6, False), (7, True), (8, False)]
    )
    def test_a_day_or_a_week_that_is_missing_is_told(self, n_skipped, is_told):
        cells = until(14, *(f"DE/{number}" for number in range(6)))
        cells = {key: values for key, values in cells.items() if not PAST <= key[1] < PAST + n_skipped}
        assert told(findings(cells)) == ([("days_skipped", "warn", "DE", "")] if is_told else [])

    def test_a_country_of_few_rows_may_leave_out_a_day(self):
        cells = until(14, *(f"DE/{number}" for number in range(5)))
        assert findings({key: values for key, values in cells.items() if key[1] != PAST}) == []


class TestStandingStill:
    def still(self, n_series, n_days=14):
        """Ten series of DE, the first column of some never moves on the new days; the others do."""
        cells = until(n_days, *(f"DE/{number}" for number in range(10)))
        names = [f"DE/{number}" for number in range(n_series)]
        return changed(cells, lambda _: -9.0, where=lambda region, day: region in names and day >= PAST, columns=(0,))

    @pytest.mark.parametrize(("n_series", "is_told"), [(2, False), (3, True)])
    def test_more_than_a_fifth_of_the_series_stop(self, n_series, is_told):
        expected = [("series_stand_still", "stop", "DE", RETAIL)] if is_told else []
        assert told(findings(self.still(n_series))) == expected
        assert findings(self.still(n_series), POLICY_GATE) == []

    def test_two_weeks_are_needed(self):
        assert findings(self.still(10, n_days=13)) == []

    @pytest.mark.parametrize(("n_series", "is_told"), [(2, False), (3, True)])
    def test_of_a_first_fetch_they_are_told(self, n_series, is_told):
        cells = {key: values for key, values in self.still(n_series).items() if key[1] >= PAST}
        expected = [("series_stand_still", "warn", "DE", RETAIL)] if is_told else []
        assert told(list(alone_findings(panel_of(cells), MOBILITY_GATE))) == expected
        assert list(alone_findings(panel_of(cells), POLICY_GATE)) == []

    def test_a_gap_does_not_move_a_series(self):
        cells = changed(self.still(10, n_days=15), lambda _: None, where=lambda _, day: day == PAST + 3, columns=(0,))
        assert told(findings(cells)) == [("series_stand_still", "stop", "DE", RETAIL)]

    def test_values_that_are_not_published_do_not_stand_still(self):
        cells = changed(self.still(10), lambda _: None, columns=(0,))
        assert list(alone_findings(panel_of(cells), MOBILITY_GATE)) == []


def test_every_rule_asks_of_each_country_its_own_past():
    """DE ends a month before SE: its days behind its own end are new, and its silence is told."""
    old = {**until(0, "SE"), **fetch("DE", n_days=PAST - 28)}
    new = {
        **until(7, "SE"),
        **changed(fetch("DE", n_days=PAST), lambda _: None, where=lambda _, day: day >= PAST - 28, columns=(1,)),
    }
    assert told(findings(new, old=old)) == [("column_fell_silent", "warn", "DE", COLUMNS[1])]


def test_thresholds_are_those_that_are_given():
    cells = changed(until(7), lambda _: None, **of_sweden(), columns=(0,))
    assert findings(cells, replace(MOBILITY_GATE, told_silent=1.5)) == []
