"""Forecasts that cost nothing, to be beaten; (n, H, C) for n origins, H days ahead, C categories, NaN where unknown.

Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.2.
"""

from __future__ import annotations

import numpy as np

from models.forecasts.windows import mean_over_days, values_before
from models.series.daily_grid import DailyGrid
from models.series.feature_encodings import WEEK

WEEKS_BACK = 4  # our choice: a value older than four weeks says nothing about next week


def seasonal_naive(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The same weekday of the last known week; where that is missing, of up to `WEEKS_BACK` weeks before it."""
    past = values_before(grid, origins, WEEK * WEEKS_BACK)
    weeks = past.reshape(len(origins), WEEKS_BACK, WEEK, past.shape[2])
    week = weeks[:, -1]
    for number in range(WEEKS_BACK - 2, -1, -1):
        week = np.where(np.isnan(week), weeks[:, number], week)
    return week[:, np.arange(horizon) % WEEK]


def last_value(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The last value of the last four weeks, for every day ahead."""
    past = values_before(grid, origins, WEEK * WEEKS_BACK)
    value = past[:, -1]
    for day in range(past.shape[1] - 2, -1, -1):
        value = np.where(np.isnan(value), past[:, day], value)
    return np.repeat(value[:, None], horizon, axis=1)


def mean_of_week(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The mean of the last seven days, for every day ahead; where all seven are missing, of the last four weeks."""
    past = values_before(grid, origins, WEEK * WEEKS_BACK)
    mean = mean_over_days(past[:, -WEEK:])
    mean = np.where(np.isnan(mean), mean_over_days(past), mean)
    return np.repeat(mean[:, None], horizon, axis=1)
