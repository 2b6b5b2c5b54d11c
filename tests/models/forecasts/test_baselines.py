import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forecast_panels import ramp

from models.forecasts.baselines import last_value, mean_of_week, seasonal_naive
from models.series.daily_grid import DailyGrid


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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_seasonal_naive_equals_stepping_back_by_hand(seed: int, horizon: int) -> None:
    rng = np.random.default_rng(seed)
    grid = ramp(20, 33)
    grid.values[rng.random(53) < 0.4] = np.nan
    origins = np.array([0, 10, 19, 20, 40, 52])
    by_hand = np.array([[naive_by_hand(grid, o, h) for h in range(1, horizon + 1)] for o in origins])
    np.testing.assert_array_equal(seasonal_naive(grid, origins, horizon)[..., 0], by_hand)


def test_last_value_and_mean_of_week_look_further_back_where_days_are_missing() -> None:
    grid = ramp(40)
    grid.values[[29, 30]] = np.nan
    np.testing.assert_array_equal(last_value(grid, np.array([30]), 2)[0, :, 0], 28.0)
    np.testing.assert_array_equal(mean_of_week(grid, np.array([30]), 2)[0, :, 0], 26.0)
    grid.values[24:31] = np.nan
    np.testing.assert_array_equal(mean_of_week(grid, np.array([30]), 1)[0, :, 0], np.mean(np.arange(3, 24)))
    grid.values[:] = np.nan
    assert np.isnan([last_value(grid, np.array([30]), 1), mean_of_week(grid, np.array([30]), 1)]).all()
