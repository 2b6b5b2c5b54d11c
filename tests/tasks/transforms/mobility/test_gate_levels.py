"""The rule on levels: weekly means of the first new weeks against the range of their past."""

from dataclasses import replace

import numpy as np
import pytest
from support.gate_panels import panel_of, sides_of

from tasks.transforms.mobility.gate_levels import level_findings
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE

N_WEEKS = 12
REGIONS = ("DE", "DE/a", "DE/b", "DE/c")


def cells_of(new_levels, *, n_weeks=N_WEEKS, past=(0.0, 20.0), n_days=7, regions=REGIONS):
    """The first column of some regions: weeks at two levels in turn, then new weeks of `n_days` days at `new_levels`;
    the others are not published.
    """
    cells = {}
    for place, region in enumerate(regions):
        for day in range(7 * n_weeks):
            cells[region, day] = (past[day // 7 % 2] + place, None, None)
        for week, level in enumerate(new_levels):
            for day in range(n_days):
                cells[region, 7 * (n_weeks + week) + day] = (level + place, None, None)
    return cells


def findings(cells, *, n_weeks=N_WEEKS, thresholds=MOBILITY_GATE):
    old = {key: values for key, values in cells.items() if key[1] < 7 * n_weeks}
    last = np.array([7 * n_weeks - 1])
    return list(level_findings(sides_of(old, cells), np.array(["DE"]), last, thresholds))


@pytest.mark.parametrize(
    ("level", "is_told"), [(30.0, False), (30.5, True), (-10.0, False), (-10.5, True), (10.0, False)]
)
def test_a_level_half_the_range_of_its_past_outside_is_the_farthest(level, is_told):
    found = findings(cells_of([level]))
    assert bool(found) is is_told
    if is_told:
        (one,) = found
        assert (one.rule, one.severity, one.country_code, one.score) == ("levels_out_of_range", "warn", "DE", 1.0)
        assert one.message == "100% of the weekly levels of DE lie far outside of their past on the new days"


@pytest.mark.parametrize(("level", "is_told"), [(17.0, False), (17.5, True)])
def test_a_past_that_hardly_moved_is_taken_for_ten_points_wide(level, is_told):
    assert bool(findings(cells_of([level], past=(10.0, 12.0)))) is is_told


@pytest.mark.parametrize(("n_far", "is_told"), [(2, False), (3, True)])
def test_more_than_half_of_the_levels_must_be_far_outside(n_far, is_told):
    far = cells_of([50.0])
    near = cells_of([10.0])
    cells = {key: far[key] if key[0] in REGIONS[:n_far] else near[key] for key in far}
    assert bool(findings(cells)) is is_told
    assert findings(cells, thresholds=replace(MOBILITY_GATE, most_beyond_range=0.8)) == []


def test_of_policy_all_may_be():
    assert findings(cells_of([5_000.0]), thresholds=POLICY_GATE) == []


@pytest.mark.parametrize(("n_weeks", "is_told"), [(11, False), (12, True)])
def test_twelve_weeks_of_past_are_needed(n_weeks, is_told):
    assert bool(findings(cells_of([50.0], n_weeks=n_weeks), n_weeks=n_weeks)) is is_told


@pytest.mark.parametrize(("n_days", "is_told"), [(3, False), (4, True)])
def test_four_days_make_the_level_of_a_week(n_days, is_told):
    assert bool(findings(cells_of([50.0], n_days=n_days))) is is_told


@pytest.mark.parametrize(("n_regions", "is_told"), [(3, False), (4, True)])
def test_four_levels_are_needed(n_regions, is_told):
    assert bool(findings(cells_of([50.0], regions=REGIONS[:n_regions]))) is is_told


@pytest.mark.parametrize(
    ("levels", "score"), [((50.0, 50.0, 10.0), 1.0), ((50.0, 10.0), None), ((10.0, 10.0, 50.0), None)]
)
def test_the_first_two_new_weeks_are_looked_at(levels, score):
    found = findings(cells_of(levels))
    assert [one.score for one in found] == ([] if score is None else [score])


def test_nothing_is_found_without_a_past_or_without_new_days():
    cells = cells_of([50.0])
    assert findings(cells_of([])) == []
    empty = panel_of({})
    assert empty.values.shape == (0, 3)
    assert list(level_findings(sides_of({}, cells), np.array([], "<U2"), np.array([], np.int64), MOBILITY_GATE)) == []


def test_a_new_country_has_no_past_to_be_held_against():
    cells = {**cells_of([50.0]), **{("AT", day): (900.0, None, None) for day in range(200)}}
    old = {key: values for key, values in cells.items() if key[1] < 7 * N_WEEKS and key[0] != "AT"}
    found = level_findings(sides_of(old, cells), np.array(["DE"]), np.array([7 * N_WEEKS - 1]), MOBILITY_GATE)
    assert [one.country_code for one in found] == ["DE"]
