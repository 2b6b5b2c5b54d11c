"""How good forecasts are, by horizon, beside the seasonal naive forecast. All arrays (n, H, C), NaN = not published, not counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HorizonScores:
    """By horizon, (H,): mean absolute error of ours and of the naive forecast, share of days inside p10..p90, days counted."""

    mae: np.ndarray
    naive_mae: np.ndarray
    coverage: np.ndarray
    n_days: np.ndarray


def score_by_horizon(truth: np.ndarray, forecast: np.ndarray, naive: np.ndarray) -> HorizonScores:
    """Scores over the days where truth, forecast (n, H, C, 3: mean, p10, p90) and naive all have a value; NaN where no day has."""
    counted = ~(np.isnan(truth) | np.isnan(naive) | np.isnan(forecast).any(axis=-1))
    n_days = counted.sum(axis=(0, 2))
    is_inside = (forecast[..., 1] <= truth) & (truth <= forecast[..., 2])

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.where(counted, values, 0.0).sum(axis=(0, 2))
        return np.divide(total, n_days, out=np.full(len(n_days), np.nan), where=n_days > 0)

    return HorizonScores(mean(np.abs(forecast[..., 0] - truth)), mean(np.abs(naive - truth)), mean(is_inside), n_days)


def skill(error: float, baseline_error: float) -> float:
    """1 less the ratio of the errors: above 0 is better than the baseline, 1 is perfect. NaN for a perfect baseline."""
    return 1.0 - error / baseline_error if baseline_error > 0 else float("nan")
