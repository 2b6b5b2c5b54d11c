import numpy as np
import pytest

from models.series.daily_grid import daily_grid, without_weekday_effect

MONDAY = 18_308 + 5  # 2020-02-17


def grid_of(rows: list[tuple[int, int, int, float]], n_columns: int = 2):
    region, day, column, value = (np.array(column) for column in zip(*rows, strict=True))
    return daily_grid(region, day, column, value.astype(float), n_columns)


def test_a_day_without_rows_is_a_gap_not_a_shift() -> None:
    grid = grid_of([(0, 10, 0, 1.0), (0, 12, 0, 3.0), (1, 5, 1, 9.0)])
    np.testing.assert_array_equal(grid.lengths, [3, 1])
    np.testing.assert_array_equal(grid.values[:, 0], [1.0, np.nan, 3.0, np.nan])
    np.testing.assert_array_equal(grid.day, [10, 11, 12, 5])
    np.testing.assert_array_equal(grid.region, [0, 0, 0, 1])
    np.testing.assert_array_equal(grid.is_observed, [True, False, True, True])


def test_order_of_observations_plays_no_part() -> None:
    rows = [(0, 10, 0, 1.0), (1, 7, 1, 2.0), (0, 11, 1, 3.0), (1, 6, 0, 4.0)]
    np.testing.assert_array_equal(grid_of(rows).values, grid_of(rows[::-1]).values)


def test_a_repeated_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="two observations"):
        grid_of([(0, 1, 0, 1.0), (0, 1, 0, 2.0)])


def test_no_observation_is_refused() -> None:
    nothing = np.empty(0, np.int64)
    with pytest.raises(ValueError, match="no observations"):
        daily_grid(nothing, nothing, nothing, nothing.astype(float), 1)


def test_a_pure_weekday_pattern_vanishes_and_the_level_stays() -> None:
    days = np.arange(MONDAY, MONDAY + 28)
    pattern = np.tile([0.0, 1, 2, 3, 4, 5, 6], 4)
    grid = daily_grid(np.zeros(28, np.int64), days, np.zeros(28, np.int64), 10 + pattern, 1)
    np.testing.assert_allclose(without_weekday_effect(grid)[:, 0], 13.0, atol=1e-12)


def test_the_effect_of_one_region_leaves_the_other_alone() -> None:
    days = np.tile(np.arange(MONDAY, MONDAY + 14), 2)
    region = np.repeat([0, 1], 14)
    value = np.where(region == 0, (days % 7 == MONDAY % 7) * 50.0, days - MONDAY + 0.0)
    value[20] = np.nan
    adjusted = without_weekday_effect(daily_grid(region, days, np.zeros(28, np.int64), value, 1))[:, 0]
    assert np.ptp(adjusted[:14]) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(adjusted[20])
    assert np.isfinite(np.delete(adjusted, 20)).all()
