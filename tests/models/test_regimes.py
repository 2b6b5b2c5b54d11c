import numpy as np
import pytest

from models.daily_grid import daily_grid
from models.regimes import RegimeSettings, fit_regimes, rank_agreement

CATEGORIES = ("workplaces", "residential")
LEVELS = np.array([[0.0, 0.0], [-30.0, 10.0], [-70.0, 30.0]])


def two_regions(seed: int = 2):
    """90 days each: 30 at the baseline, 30 locked down, 30 restricted, with noise and a weekly pattern; the second has gaps."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.repeat([0, 2, 1], 30), 2)
    days = np.tile(np.arange(18_310, 18_400), 2)
    values = LEVELS[truth] + rng.normal(0, 3, (180, 2)) + np.array([5.0, -2.0]) * (days % 7 == 0)[:, None]
    values[100:104] = np.nan
    region = np.repeat([0, 1], 90)
    grid = daily_grid(np.repeat(region, 2), np.repeat(days, 2), np.tile([0, 1], 180), values.ravel(), 2)
    return grid, truth


def test_states_are_ordered_named_and_found() -> None:
    grid, truth = two_regions()
    fit = fit_regimes(grid, RegimeSettings(categories=CATEGORIES))
    assert fit.names == ("baseline", "restricted", "lockdown")  # three are there, up to four were tried
    assert min(fit.bic, key=lambda n: fit.bic[n]) == 3
    assert np.all(np.diff(fit.level) > 0)
    is_there = grid.is_observed
    assert (fit.state[is_there] == truth[is_there]).mean() > 0.97  # the days of change may fall either side
    assert fit.log_likelihood_per_day > fit.one_state_log_likelihood_per_day
    assert fit.share_of_clear_days > 0.9
    assert len(fit.changes) == 4  # two in each region, none where the second begins


def test_the_number_of_states_can_be_set() -> None:
    fit = fit_regimes(two_regions()[0], RegimeSettings(categories=CATEGORIES, n_states=2))
    assert (fit.names, list(fit.bic)) == (("baseline", "lockdown"), [2])


def test_another_seed_gives_the_same_names_to_the_same_days() -> None:
    grid, _ = two_regions()
    first, second = (fit_regimes(grid, RegimeSettings(categories=CATEGORIES, seed=seed)).state for seed in (1, 7))
    assert (first == second).mean() > 0.99  # k-means may start elsewhere, EM ends at the same place


def test_more_states_than_distinct_days_is_refused() -> None:
    grid = daily_grid(np.zeros(2, np.int64), np.array([5, 6]), np.zeros(2, np.int64), np.array([1.0, 2.0]), 1)
    with pytest.raises(ValueError, match="fewer states"):
        fit_regimes(grid, RegimeSettings(categories=("workplaces",), n_states=3))


def test_agreement_needs_three_days_and_some_variation() -> None:
    nan = np.nan
    assert rank_agreement(np.array([1.0, 2, 3, nan]), np.array([10.0, 20, 30, 0])) == pytest.approx(1.0)
    assert rank_agreement(np.array([1.0, 2, nan]), np.array([1.0, 2, 3])) is None
    assert rank_agreement(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])) is None
