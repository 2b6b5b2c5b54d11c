"""Accidents that explain rewritten values as a whole: each is told by its own name, and not from too few values."""

from dataclasses import replace

import pytest
from support.gate_panels import COLUMNS, changed, fetch, rules, sides_of

from tasks.transforms.mobility import gate_accidents
from tasks.transforms.mobility.gate_accidents import accident_findings
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE

REGIONS = ("SE", "SE/a", "DE", "DE/b")


def findings(old, new, thresholds=MOBILITY_GATE):
    return list(accident_findings(sides_of(old, new), thresholds))


def moved(cells, n_days):
    return {(region, day + n_days): values for (region, day), values in cells.items()}


def mixed_signs():
    """A fetch with rises and falls."""
    return changed(fetch(*REGIONS), lambda value: value + 35)


def exchanged(cells):
    return {key: (second, first, third) for key, (first, second, third) in cells.items()}


@pytest.mark.parametrize(
    ("damage", "rule", "words"),
    [
        (lambda cells: changed(cells, lambda _: 0.0), "values_became_zero", "a 0 in the place of each value"),
        (lambda cells: changed(cells, abs), "signs_lost", "the loss of the sign"),
        (lambda cells: changed(cells, lambda value: -value), "signs_turned", "the turned sign"),
        (lambda cells: changed(cells, lambda value: value * 16), "values_scaled", "a factor of 16"),
        (lambda cells: changed(cells, lambda value: value / 100), "values_scaled", "a factor of 0.01"),
        (exchanged, "columns_exchanged", "retail_and_recreation holding what was workplaces"),
        (lambda cells: moved(cells, 1), "dates_moved", "+1 days in every date"),
        (lambda cells: moved(cells, -7), "dates_moved", "-7 days in every date"),
    ],
)
@pytest.mark.parametrize("thresholds", [MOBILITY_GATE, POLICY_GATE])
def test_each_accident_of_a_whole_file_is_told_once_by_its_name(damage, rule, words, thresholds):
    old = mixed_signs()
    (found,) = findings(old, damage(old), thresholds)
    assert (found.rule, found.severity, found.country_code) == (rule, "stop", "")
    assert found.message.startswith(f"{words} explains ")
    assert found.message.endswith("of what changed in the file")
    assert found.score >= 0.9


@pytest.mark.parametrize("n_days", [-366, -365, -7, -3, 2, 6, 365, 366])
def test_dates_slip_by_a_week_at_most_or_by_whole_years(n_days):
    old = fetch("SE", "DE", n_days=400)
    (found,) = findings(old, moved(old, n_days))
    assert (found.rule, found.message) == (
        "dates_moved",
        f"{n_days:+d} days in every date explains {found.score:.0%} of what changed in the file",
    )


def test_other_shifts_are_no_slip():
    old = fetch("SE", "DE", n_days=400)
    assert findings(old, moved(old, 8)) == []


def test_an_accident_of_one_country_names_it_and_the_others_are_not_blamed():
    old = changed(fetch("SE", "DE", n_days=100), lambda value: value + 35)
    new = changed(old, lambda value: -value, where=lambda region, _: region == "DE")
    new = changed(new, lambda value: value + value % 5 + 1, where=lambda region, _: region == "SE")
    (found,) = findings(old, new)
    assert (found.rule, found.country_code) == ("signs_turned", "DE")
    assert found.message.endswith("explains 100% of what changed in DE")


def test_a_rewriting_that_no_accident_explains_is_not_told_here():
    old = mixed_signs()
    assert findings(old, changed(old, lambda value: value + value % 5 + 1)) == []


@pytest.mark.parametrize(("n_cells", "is_told"), [(19, False), (20, True)])
def test_twenty_rewritten_values_are_needed(n_cells, is_told):
    old = mixed_signs()
    large = [key for key in old if abs(old[key][0]) >= 5][:n_cells]
    new = changed(old, lambda value: value * 16, where=lambda *key: key in large, columns=(0,))
    assert bool(findings(old, new)) is is_told


@pytest.mark.parametrize(("n_explained", "is_told"), [(89, False), (90, True)])
def test_nine_tenths_of_what_changed_must_be_explained(n_explained, is_told):
    old = {("SE", day): (float(10 + day % 30), None, None) for day in range(100)}
    new = changed(old, lambda value: -value, where=lambda _, day: day < n_explained)
    new = changed(new, lambda value: value + value % 7 + 200, where=lambda _, day: day >= n_explained)
    assert rules(findings(old, new)) == ({("signs_turned", "stop")} if is_told else set())


@pytest.mark.parametrize(
    ("factor", "thresholds", "is_told"),
    [
        (1.04, MOBILITY_GATE, False),
        (1.1, MOBILITY_GATE, True),
        (1 / 1.1, MOBILITY_GATE, True),
        (1.4, POLICY_GATE, False),
        (1.6, POLICY_GATE, True),
        (-2.0, MOBILITY_GATE, False),
    ],
)
def test_a_factor_near_one_is_a_revision(factor, thresholds, is_told):
    old = changed(fetch(*REGIONS), lambda value: value - 20)  # large enough for each to move by more than rounding
    new = changed(old, lambda value: value * factor)
    assert rules(findings(old, new, thresholds)) == ({("values_scaled", "stop")} if is_told else set())


def test_small_values_say_nothing_of_a_factor():
    old = {("SE", day): (float(1 + day % 4), None, None) for day in range(100)}
    assert findings(old, changed(old, lambda value: value * 1.5)) == []
    (found,) = findings(
        *(changed(one, lambda value: value * 5) for one in (old, changed(old, lambda value: value * 1.5)))
    )
    assert found.message.startswith("a factor of 1.5 explains")


class TestGaps:
    def gaps(self, n, value):
        """SE with the first column empty for `n` days, and the same with these gaps filled with `value`."""
        whole = fetch("SE", "DE")
        gone = {"where": lambda region, day: region == "SE" and day < n, "columns": (0,)}
        return changed(whole, lambda _: None, **gone), changed(whole, lambda _: value, **gone)

    @pytest.mark.parametrize(("n", "is_told"), [(19, False), (20, True)])
    def test_twenty_gaps_that_are_zeros_now_stop(self, n, is_told):
        assert rules(findings(*self.gaps(n, 0.0))) == ({("gaps_became_zero", "stop")} if is_told else set())

    def test_gaps_that_are_filled_with_values_are_none_of_it(self):
        assert findings(*self.gaps(40, -3.0)) == []

    @pytest.mark.parametrize(("n_zero", "is_told"), [(89, False), (90, True)])
    def test_nine_tenths_of_the_filled_gaps_must_be_zeros(self, n_zero, is_told):
        old, new = self.gaps(100, 0.0)
        new = changed(new, lambda _: 4.0, where=lambda region, day: region == "SE" and day >= n_zero, columns=(0,))
        assert bool(findings(old, new)) is is_told


def test_zeros_that_stay_and_days_that_come_are_no_accident():
    old = changed(fetch("SE", "DE"), lambda _: 0.0)
    assert findings(old, {**fetch("SE", "DE", n_days=107), **old}) == []


def test_columns_that_are_exchanged_in_one_country_are_found_by_the_column_that_says_so():
    old = fetch("SE", "DE")
    new = {key: values if key[0] == "SE" else (values[0], values[2], values[1]) for key, values in old.items()}
    (found,) = findings(old, new)
    assert (found.rule, found.country_code) == ("columns_exchanged", "")  # all that changed in the file is explained
    assert found.message.startswith(f"{COLUMNS[1]} holding what was {COLUMNS[2]} explains 100%")


def test_of_very_many_rewritten_rows_some_are_looked_at_and_say_the_same(monkeypatch):
    old = mixed_signs()
    new = changed(old, lambda value: value * 16)
    monkeypatch.setattr(gate_accidents, "MOST_ROWS", 150)
    (found,) = findings(old, new)
    assert (found.rule, found.message[:14]) == ("values_scaled", "a factor of 16")


def test_the_thresholds_are_those_that_are_given():
    old = mixed_signs()
    few = {"where": lambda region, day: region == "SE" and day < 3, "columns": (0,)}
    new = changed(old, lambda value: -value - 1, **few)
    new = changed(new, lambda value: value + 1, **few)
    assert findings(old, new) == []
    assert rules(findings(old, new, replace(MOBILITY_GATE, n_explained=2))) == {("signs_turned", "stop")}
