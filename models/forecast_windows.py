"""What a forecaster sees and what it is held against, cut from a daily grid: nothing after the origin ever enters a feature.

Legend: n windows, W past days, H days ahead, C categories, F features a day. An origin is a place in the grid (its last known day).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.daily_grid import DailyGrid

WEEK = 7
WEEKS_BACK = 4  # our choice: a value older than four weeks says nothing about next week


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation by category, (C,), of the days that a model was trained on."""

    mean: np.ndarray
    std: np.ndarray


def fit_scaling(grid: DailyGrid, is_training: np.ndarray) -> Scaling:
    """The scaling of the days where `is_training` (T,). A category without values there, or constant, is left as it is."""
    values = grid.values[is_training]
    mean, std = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for column in range(values.shape[1]):
        there = values[~np.isnan(values[:, column]), column]
        if len(there):
            mean[column] = there.mean()
            std[column] = there.std() or 1.0
    return Scaling(mean, std)


def window_places(grid: DailyGrid, origins: np.ndarray, first: int, last: int) -> np.ndarray:
    """Places in the grid of the days `first`..`last` relative to each origin, (n, last - first + 1); -1 outside of the region's days."""
    offsets = np.cumsum(grid.lengths) - grid.lengths
    places = origins[:, None] + np.arange(first, last + 1)
    start = offsets[grid.region[origins]][:, None]
    stop = start + grid.lengths[grid.region[origins]][:, None]
    return np.where((places >= start) & (places < stop), places, -1)


def past_features(grid: DailyGrid, index: np.ndarray, origins: np.ndarray, n_days: int, scaling: Scaling) -> np.ndarray:
    """Features of the last `n_days` days up to each origin, float32 (n, W, F): C scaled values (0 where missing), C flags of presence,
    sine and cosine of the weekday, and the policy `index` (T,; 0 to 100, NaN = not published) as a share, with its flag.
    """
    places = window_places(grid, origins, 1 - n_days, 0)
    values = _take(grid.values, places)
    is_there = ~np.isnan(values)
    scaled = np.where(is_there, (values - scaling.mean) / scaling.std, 0.0)
    weekday = 2 * np.pi * ((grid.day[origins][:, None] + np.arange(1 - n_days, 1)) % WEEK) / WEEK
    policy = _take(index[:, None], places)
    features = (scaled, is_there, np.sin(weekday)[..., None], np.cos(weekday)[..., None], np.nan_to_num(policy) / 100, ~np.isnan(policy))
    return np.concatenate(features, axis=2, dtype=np.float32)


def future_values(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """What came to pass on the days 1..`horizon` after each origin, (n, H, C), NaN where not published or not yet known."""
    return _take(grid.values, window_places(grid, origins, 1, horizon))


def seasonal_naive(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The forecast of the same weekday in the last known week, (n, H, C); where that is missing, of up to `WEEKS_BACK` weeks before it.

    NaN where none of those weeks has a value. Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.2.
    """
    forecast = np.full((len(origins), horizon, grid.values.shape[1]), np.nan)
    ahead = np.arange(1, horizon + 1)
    for week in range(WEEKS_BACK):
        back = ahead - WEEK * -(-ahead // WEEK) - WEEK * week  # -6..0, then a week earlier each time
        places = window_places(grid, origins, int(back.min()), 0)
        values = _take(grid.values, places)[:, back - back.min()]
        forecast = np.where(np.isnan(forecast), values, forecast)
    return forecast


def _take(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.where((places >= 0)[..., None], values[np.maximum(places, 0)], np.nan)
