import numpy as np
import pytest

from models.hmm.gaussian import GaussianHMM
from models.regimes.regimes import (
    RegimeModel,
    RegimeSettings,
    as_tensors,
    fit_regimes,
    from_tensors,
    rank_agreement,
    read_regimes,
)
from models.series.daily_grid import daily_grid

CATEGORIES = ("workplaces", "residential")
LEVELS = np.array([[0.0, 0.0], [-30.0, 10.0], [-70.0, 30.0]])


def two_regions(seed: int = 2):
    """90 days each: 30 at baseline, 30 locked down, 30 restricted, with noise and a weekly pattern; gaps in one."""
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
    assert fit.model.names == ("baseline", "restricted", "lockdown")  # three are there, up to four were tried
    assert min(fit.bic, key=lambda n: fit.bic[n]) == 3
    assert np.all(np.diff(fit.model.level) > 0)
    is_there = grid.is_observed
    assert (fit.reading.state[is_there] == truth[is_there]).mean() > 0.97  # the days of change may fall either side
    assert fit.reading.log_likelihood_per_day > fit.one_state_log_likelihood_per_day
    assert fit.reading.share_of_clear_days > 0.9
    assert len(fit.reading.changes) == 4  # two in each region, none where the second begins


def test_the_number_of_states_can_be_set() -> None:
    fit = fit_regimes(two_regions()[0], RegimeSettings(categories=CATEGORIES, n_states=2))
    assert (fit.model.names, list(fit.bic)) == (("baseline", "lockdown"), [2])


@pytest.mark.parametrize(("seed", "n_days"), [(7, 90), (1, 80), (3, 75)])
def test_another_seed_and_more_days_give_the_same_names_to_the_same_days(seed: int, n_days: int) -> None:
    grid, _ = two_regions()
    whole = fit_regimes(grid, RegimeSettings(categories=CATEGORIES))
    rows = np.flatnonzero(grid.day < 18_310 + n_days)
    values = grid.values[rows]
    early = daily_grid(
        np.repeat(grid.region[rows], 2), np.repeat(grid.day[rows], 2), np.tile([0, 1], len(rows)), values.ravel(), 2
    )
    fit = fit_regimes(early, RegimeSettings(categories=CATEGORIES, seed=seed))
    assert fit.model.names == whole.model.names
    np.testing.assert_allclose(fit.model.level, whole.model.level, atol=2.0)  # percent; states lie 30 apart
    assert (fit.reading.state == whole.reading.state[rows]).mean() > 0.99


def test_likelihoods_of_a_day_can_be_compared_whatever_a_model_was_standardised_by() -> None:
    grid, _ = two_regions()
    fit = fit_regimes(grid, RegimeSettings(categories=CATEGORIES, n_states=3))
    model, half = fit.model, fit.model.scale * 0.5
    hmm = GaussianHMM(3, "full")
    hmm.startprob_, hmm.transmat_ = model.hmm.startprob_, model.hmm.transmat_
    hmm.means_, hmm.covars_ = model.hmm.means_ * 2.0, model.hmm.covars_ * 4.0
    other = read_regimes(RegimeModel(hmm, model.location, half, model.level), grid)
    assert other.log_likelihood_per_day == pytest.approx(fit.reading.log_likelihood_per_day, abs=1e-9)  # rounding


def test_a_model_comes_back_from_its_arrays_and_reads_the_same() -> None:
    grid, _ = two_regions()
    fit = fit_regimes(grid, RegimeSettings(categories=CATEGORIES, covariance_type="diag"))
    again = read_regimes(from_tensors(as_tensors(fit.model)), grid)
    np.testing.assert_array_equal(again.state, fit.reading.state)
    np.testing.assert_allclose(again.probability, fit.reading.probability, atol=1e-9)  # rounding
    with pytest.raises(ValueError, match="covars"):
        from_tensors({name: array for name, array in as_tensors(fit.model).items() if name != "covars"})


def test_a_fit_tells_how_far_it_is() -> None:
    told: list[tuple[int, int, float]] = []
    fit = fit_regimes(
        two_regions()[0], RegimeSettings(categories=CATEGORIES, most_states=3), lambda *progress: told.append(progress)
    )
    assert list(dict.fromkeys(n_states for n_states, _, _ in told)) == [1, 2, 3]
    last = [log_likelihood for n_states, _, log_likelihood in told if n_states == 3]
    assert last == list(fit.log_likelihoods)
    assert [iteration for n_states, iteration, _ in told if n_states == 3] == list(range(len(last)))


def test_a_region_without_any_value_of_a_category_and_a_single_day_are_no_trouble() -> None:
    nan = np.nan
    values = np.concatenate([two_regions()[0].values[:90], np.full((30, 2), nan), [[-3.0, nan]]])
    values[90:120, 0] = np.linspace(-70, 0, 30)
    region = np.concatenate([np.zeros(90, int), np.ones(30, int), [2]])
    day = np.concatenate([np.arange(90), np.arange(30), [5]]) + 18_310
    grid = daily_grid(np.repeat(region, 2), np.repeat(day, 2), np.tile([0, 1], len(day)), values.ravel(), 2)
    fit = fit_regimes(grid, RegimeSettings(categories=CATEGORIES, n_states=2))
    assert len(fit.reading.state) == 121
    assert np.isfinite(fit.reading.probability).all()


def test_more_states_than_distinct_days_is_refused() -> None:
    grid = daily_grid(np.zeros(2, np.int64), np.array([5, 6]), np.zeros(2, np.int64), np.array([1.0, 2.0]), 1)
    with pytest.raises(ValueError, match="fewer states"):
        fit_regimes(grid, RegimeSettings(categories=("workplaces",), n_states=3))


def test_agreement_needs_three_days_and_some_variation() -> None:
    nan = np.nan
    assert rank_agreement(np.array([1.0, 2, 3, nan]), np.array([10.0, 20, 30, 0])) == pytest.approx(1.0)
    assert rank_agreement(np.array([1.0, 2, nan]), np.array([1.0, 2, 3])) is None
    assert rank_agreement(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])) is None
