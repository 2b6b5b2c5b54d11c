"""Holt and Winters' exponential smoothing with a weekly season, by statsmodels: a baseline, too slow for all series."""

from __future__ import annotations

import warnings

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning  # type: ignore[import-untyped]  # nobody has typed it
from statsmodels.tsa.holtwinters import ExponentialSmoothing  # type: ignore[import-untyped]

from models.series.feature_encodings import WEEK

FEWEST_DAYS = 4 * WEEK  # our choice: two seasons to start from, two to learn from


def smoothed_forecast(past: np.ndarray, horizon: int) -> np.ndarray:
    """The forecast (H,) of one series after the days `past` (W,), NaN = missing: additive season, additive damped
    trend.

    Gaps are filled from the same weekday of the week before, and days before the first value of each weekday are left
    out. NaN where fewer than `FEWEST_DAYS` days are left, or where the fit finds no numbers.
    """
    series = _without_gaps(past)
    if len(series) < FEWEST_DAYS:
        return np.full(horizon, np.nan)
    if np.ptp(series) == 0.0:
        return np.full(horizon, series[-1])  # the fit divides by the spread
    with warnings.catch_warnings():
        # The best found is taken: a fit that stops early is still the baseline that people would get.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model = ExponentialSmoothing(
            series,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=WEEK,
            initialization_method="estimated",
        )
        forecast = np.asarray(model.fit().forecast(horizon), dtype=np.float64)
    return forecast if np.isfinite(forecast).all() else np.full(horizon, np.nan)


def _without_gaps(past: np.ndarray) -> np.ndarray:
    filled = past.copy()
    for day in range(WEEK, len(filled)):
        if np.isnan(filled[day]):
            filled[day] = filled[day - WEEK]
    missing = np.flatnonzero(np.isnan(filled))
    return filled[missing[-1] + 1 :] if len(missing) else filled
