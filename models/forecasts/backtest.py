"""Rolling origins: forecasts as they would have been made on past days, by weights that knew nothing of what came
after.

Legend: K origins (days), n regions that have the day of an origin, H days ahead, C categories. The first origins are
there to calibrate intervals, the others are scored; every interval is calibrated on what had come to pass by its own
origin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.forecasts.baselines import last_value, mean_of_week, seasonal_naive
from models.forecasts.calibration import Calibration, calibrate_as_time_passes
from models.forecasts.scores import (
    MEAN,
    P50,
    IntervalScores,
    PointScores,
    mean_where,
    score_intervals,
    score_points,
    skill,
)
from models.forecasts.settings import ForecastSettings
from models.forecasts.windows import Panel, future_values, values_before, window_places
from models.series.daily_grid import DailyGrid
from models.series.exponential_smoothing import smoothed_forecast
from models.series.feature_encodings import WEEK

BASELINES: dict[str, Callable[[DailyGrid, np.ndarray, int], np.ndarray]] = {
    "seasonal_naive": seasonal_naive,
    "last_value": last_value,
    "mean_of_week": mean_of_week,
}


class DatedForecaster(Protocol):
    """Whatever forecasts from places of a grid without what came after them, in its weights or in its features."""

    def forecast(self, panel: Panel, origins: np.ndarray) -> np.ndarray:
        """(n, H, C, 4): mean, p10, p50, p90; NaN where it has no forecast."""


@dataclass(frozen=True)
class Backtest:
    """Forecasts and what came, by origin: `days` (K,) since 1970-01-01; `origins`, `truths` (n, H, C) and
    `predicted` (n, H, C, 4) of each, uncalibrated. `first` is the number of the first that is scored.
    """

    days: tuple[int, ...]
    origins: tuple[np.ndarray, ...]
    truths: tuple[np.ndarray, ...]
    predicted: tuple[np.ndarray, ...]
    first: int


@dataclass(frozen=True)
class SmoothingScores:
    """Mean absolute errors by horizon, (H,), of our median and of smoothing, on the same days of `n_series` series."""

    ours: np.ndarray
    theirs: np.ndarray
    n_series: int


@dataclass(frozen=True)
class BacktestScores:
    """Scores of the calibrated forecasts, of the intervals before calibration, of each baseline on the same values, by
    horizon and category (H, C).

    `smoothing`: beside exponential smoothing, on the series drawn for it; None = none was drawn.
    """

    ours: PointScores
    intervals: IntervalScores
    uncalibrated: IntervalScores
    baselines: dict[str, PointScores]
    smoothing: SmoothingScores | None

    @property
    def skill(self) -> np.ndarray:
        """1 less mean absolute error over that of the seasonal naive forecast, (H, C); NaN where nothing counted."""
        return skill(self.ours.mae, self.baselines["seasonal_naive"].mae)


def backtest_days(grid: DailyGrid, settings: ForecastSettings) -> tuple[int, ...]:
    """The days of the origins, ascending, the last with its horizon in the grid; fewer, even none, in a short grid."""
    last = int(grid.day.max()) - settings.horizon_days
    earliest = int(grid.day.min()) + settings.training_days - 1
    n_wanted = settings.origins + settings.calibration_origins
    n_possible = (last - earliest) // settings.days_between_origins + 1 if last >= earliest else 0
    n = min(n_wanted, n_possible)
    return tuple(last - settings.days_between_origins * back for back in range(n - 1, -1, -1))


def n_calibrating(n_days: int, settings: ForecastSettings) -> int:
    """How many of `n_days` origins are not scored: as many as settings ask for, or that share of a short history."""
    return n_days * settings.calibration_origins // (settings.origins + settings.calibration_origins)


def refit_days(days: Sequence[int], last_day: int, settings: ForecastSettings) -> tuple[int, ...]:
    """The days up to which weights are trained: the first origin, every so many origins after it, and `last_day`."""
    return tuple(dict.fromkeys((*days[:: settings.origins_between_refits], last_day)))


def run_backtest(
    forecaster: DatedForecaster, panel: Panel, days: Sequence[int], settings: ForecastSettings
) -> Backtest:
    """What `forecaster` predicts from every region on each of `days`, beside what came."""
    origins = tuple(np.flatnonzero((panel.grid.day == day) & panel.grid.is_observed) for day in days)
    truths = tuple(future_values(panel.grid, places, settings.horizon_days).astype(np.float32) for places in origins)
    predicted = tuple(forecaster.forecast(panel, places).astype(np.float32) for places in origins)
    return Backtest(tuple(days), origins, truths, predicted, n_calibrating(len(days), settings))


def final_calibration(backtest: Backtest) -> Calibration:
    """Of all origins: what a forecast from the last day of all is calibrated by."""
    return Calibration.fit(np.concatenate(backtest.truths), np.concatenate(backtest.predicted))


def score_backtest(backtest: Backtest, panel: Panel, settings: ForecastSettings) -> BacktestScores:
    """Scores over the scored origins, on the values for which truth, forecast and every baseline are known."""
    grid, first = panel.grid, backtest.first
    places = np.concatenate(backtest.origins[first:])
    truth = np.concatenate(backtest.truths[first:])
    raw = np.concatenate(backtest.predicted[first:])
    predicted = np.concatenate(calibrate_as_time_passes(backtest.truths, backtest.predicted, backtest.days, first))
    points = {name: forecast(grid, places, settings.horizon_days) for name, forecast in BASELINES.items()}
    counted = ~(np.isnan(truth) | np.isnan(predicted).any(axis=-1))
    for point in points.values():
        counted &= ~np.isnan(point)
    scale = usual_errors(grid, backtest.days[0])[grid.region[places]]
    counted_truth = np.where(counted, truth, np.nan)
    return BacktestScores(
        score_points(truth, predicted[..., P50], predicted[..., MEAN], scale, counted),
        score_intervals(truth, predicted, counted),
        score_intervals(truth, raw, counted),
        {name: score_points(truth, point, point, scale, counted) for name, point in points.items()},
        _beside_smoothing(grid, places, counted_truth, predicted[..., P50], settings),
    )


def score_medians(backtest: Backtest, panel: Panel, settings: ForecastSettings) -> np.ndarray:
    """The skill of the medians of all origins over the seasonal naive forecast, (H, C); 0 where nothing was counted."""
    truth, predicted = np.concatenate(backtest.truths), np.concatenate(backtest.predicted)[..., P50]
    naive = seasonal_naive(panel.grid, np.concatenate(backtest.origins), settings.horizon_days)
    counted = ~(np.isnan(truth) | np.isnan(predicted) | np.isnan(naive))
    return np.nan_to_num(
        skill(mean_where(np.abs(truth - predicted), counted), mean_where(np.abs(truth - naive), counted))
    )


def usual_errors(grid: DailyGrid, last_day: int) -> np.ndarray:
    """Mean absolute error of the seasonal naive forecast one week ahead by region and category, (R, C), over the days
    up to `last_day`: what MASE divides by. NaN where a series has no such pair of days.
    """
    before = window_places(grid, np.arange(len(grid.day)), -WEEK, -WEEK)[:, 0]
    change = np.abs(grid.values - np.where((before >= 0)[:, None], grid.values[np.maximum(before, 0)], np.nan))
    is_there = ~np.isnan(change) & (grid.day <= last_day)[:, None]
    sums, counts = np.zeros((2, len(grid.lengths), grid.values.shape[1]))
    np.add.at(sums, grid.region, np.where(is_there, change, 0.0))
    np.add.at(counts, grid.region, is_there)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _beside_smoothing(
    grid: DailyGrid, places: np.ndarray, truth: np.ndarray, median: np.ndarray, settings: ForecastSettings
) -> SmoothingScores | None:
    """On series drawn at random from those with a `truth` (NaN = not counted)."""
    rng = np.random.default_rng(settings.seed)
    series = np.argwhere(~np.isnan(truth).all(axis=1))
    ours, theirs = [], []
    for number, category in series[rng.permutation(len(series))[: settings.smoothed_series]]:
        past = values_before(grid, places[number : number + 1], settings.past_days)[0, :, category]
        forecast = smoothed_forecast(past, settings.horizon_days)
        if np.isfinite(forecast).all():
            ours.append(np.abs(truth[number, :, category] - median[number, :, category]))
            theirs.append(np.abs(truth[number, :, category] - forecast))
    if not ours:
        return None
    mine, smoothed = np.array(ours), np.array(theirs)
    is_known = ~np.isnan(mine)
    return SmoothingScores(mean_where(mine, is_known), mean_where(smoothed, is_known), len(ours))
