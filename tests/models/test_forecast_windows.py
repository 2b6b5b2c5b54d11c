import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.daily_grid import DailyGrid, daily_grid
from models.forecast_windows import fit_scaling, future_values, past_features, seasonal_naive, window_places


def ramp(*lengths: int) -> DailyGrid:
    """Regions whose value on their n-th day is 100 * region + n, one column."""
    region = np.repeat(np.arange(len(lengths)), lengths)
    day = np.concatenate([np.arange(length) for length in lengths])
    return daily_grid(region, day + 18_000, np.zeros(len(day), np.int64), region * 100.0 + day, 1)


def naive_by_hand(grid: DailyGrid, origin: int, ahead: int) -> float:
    """Step back week by week from the target until a known day with a value is met."""
    start = int((np.cumsum(grid.lengths) - grid.lengths)[grid.region[origin]])
    place, weeks = origin + ahead, 0
    while place > origin:
        place -= 7
    while weeks < 4:
        if place >= start and not np.isnan(grid.values[place, 0]):
            return float(grid.values[place, 0])
        place, weeks = place - 7, weeks + 1
    return float("nan")


def test_windows_stop_at_the_region_border() -> None:
    grid = ramp(3, 4)
    np.testing.assert_array_equal(window_places(grid, np.array([3]), -1, 1), [[-1, 3, 4]])
    np.testing.assert_array_equal(window_places(grid, np.array([2]), 0, 1), [[2, -1]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 16))
def test_seasonal_naive_equals_stepping_back_by_hand(seed: int, horizon: int) -> None:
    rng = np.random.default_rng(seed)
    grid = ramp(20, 33)
    grid.values[rng.random(53) < 0.4] = np.nan
    origins = np.array([0, 10, 19, 20, 40, 52])
    by_hand = np.array([[naive_by_hand(grid, o, h) for h in range(1, horizon + 1)] for o in origins])
    np.testing.assert_array_equal(seasonal_naive(grid, origins, horizon)[..., 0], by_hand)


def test_future_is_what_came_to_pass() -> None:
    np.testing.assert_array_equal(future_values(ramp(5), np.array([2]), 3)[0, :, 0], [3.0, 4.0, np.nan])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 29))
def test_changing_the_future_changes_no_feature_of_the_past(origin: int) -> None:
    grid, changed = ramp(30), ramp(30)
    changed.values[origin + 1 :] = -999.0
    index = np.linspace(0, 50, 30)
    index_changed = np.where(np.arange(30) > origin, 99.0, index)
    origins = np.array([origin])
    scaling = fit_scaling(grid, np.arange(30) <= origin)
    scaling_changed = fit_scaling(changed, np.arange(30) <= origin)
    np.testing.assert_array_equal(
        past_features(grid, index, origins, 10, scaling), past_features(changed, index_changed, origins, 10, scaling_changed)
    )
    np.testing.assert_array_equal(seasonal_naive(grid, origins, 14), seasonal_naive(changed, origins, 14))


def test_missing_values_are_zero_with_their_flag_down() -> None:
    grid = ramp(4)
    grid.values[2] = np.nan
    features = past_features(grid, np.full(4, np.nan), np.array([3]), 3, fit_scaling(grid, np.ones(4, bool)))
    assert features.shape == (1, 3, 6)
    np.testing.assert_array_equal(features[0, :, 1], [1.0, 0.0, 1.0])
    assert features[0, 1, 0] == 0.0
    np.testing.assert_array_equal(features[0, :, 5], 0.0)


def test_scaling_of_nothing_or_a_constant_leaves_values_alone() -> None:
    grid = ramp(3)
    assert fit_scaling(grid, np.zeros(3, bool)).std[0] == 1.0
    grid.values[:] = 5.0
    scaling = fit_scaling(grid, np.ones(3, bool))
    assert (scaling.mean[0], scaling.std[0]) == (5.0, pytest.approx(1.0))
