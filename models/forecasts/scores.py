"""How good forecasts are, by horizon and category. Truth and points (n, H, C), NaN = not known and not counted; results
(H, C).

The median is held against what came to pass by absolute error, the mean by squared error: each is best by its own
measure (Gneiting 2011). MASE (Hyndman and Koehler 2006) divides each error by the series' own usual error of the
seasonal naive forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEAN, P10, P50, P90 = range(4)
"""Places on the last axis of a forecast (n, H, C, 4)."""

QUANTILES = {P10: 0.1, P50: 0.5, P90: 0.9}


@dataclass(frozen=True)
class PointScores:
    """By horizon and category, (H, C), NaN where nothing counted: mean absolute and root mean squared error, MASE."""

    mae: np.ndarray
    rmse: np.ndarray
    mase: np.ndarray
    n_values: np.ndarray


@dataclass(frozen=True)
class IntervalScores:
    """By horizon and category, (H, C): share of values in p10..p90, its mean width, mean pinball loss of the three."""

    coverage: np.ndarray
    width: np.ndarray
    pinball: np.ndarray


def score_points(
    truth: np.ndarray, median: np.ndarray, mean: np.ndarray, scale: np.ndarray, counted: np.ndarray
) -> PointScores:
    """Scores over values where `counted` (n, H, C). `scale` (n, C): usual error of a series; NaN or 0: not in MASE."""
    error = np.abs(truth - median)
    usual = np.broadcast_to(scale[:, None, :], error.shape)
    has_scale = counted & (usual > 0)
    scaled = np.divide(error, usual, out=np.zeros_like(error), where=has_scale)
    return PointScores(
        mean_where(error, counted),
        np.sqrt(mean_where((truth - mean) ** 2, counted)),
        mean_where(scaled, has_scale),
        counted.sum(axis=0),
    )


def score_intervals(truth: np.ndarray, predicted: np.ndarray, counted: np.ndarray) -> IntervalScores:
    """Scores of forecasts `predicted` (n, H, C, 4) over the values where `counted`."""
    low, high = predicted[..., P10], predicted[..., P90]
    pinball = [
        mean_where(pinball_loss(truth, predicted[..., place], quantile), counted)
        for place, quantile in QUANTILES.items()
    ]
    inside = (low <= truth) & (truth <= high)
    return IntervalScores(mean_where(inside, counted), mean_where(high - low, counted), np.mean(pinball, axis=0))


def pinball_loss(truth: np.ndarray, predicted: np.ndarray, quantile: float) -> np.ndarray:
    """Loss by value: q (y - f) above the forecast f, (1 - q) (f - y) below it (Koenker and Bassett 1978)."""
    miss = truth - predicted
    return np.maximum(quantile * miss, (quantile - 1) * miss)


def mean_where(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean over the first axis of the values where `counted`; NaN where none is."""
    n = counted.sum(axis=0)
    return np.divide(np.where(counted, values, 0.0).sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)


def skill(error: np.ndarray, baseline_error: np.ndarray) -> np.ndarray:
    """1 less the ratio of the errors: above 0 beats the baseline, 1 is perfect. NaN for a perfect or unknown one."""
    is_known = np.asarray(baseline_error) > 0
    ratio = np.divide(error, baseline_error, out=np.full(np.shape(error), np.nan), where=is_known)
    return 1.0 - np.asarray(ratio)
