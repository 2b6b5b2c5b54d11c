"""Intervals that hold what they promise: quantiles of a network, widened or narrowed by what their errors were on
held-out origins.

Split conformal prediction (Vovk et al. 2005; for quantiles Romano, Patterson and Candès 2019), one factor for each
horizon, category and side of the median. A factor is the conformal quantile of distances of the truth from the median,
in widths of that side as the network gave it, and never less than 1: all series of a day rise and fall together, so a
few calm past days are no proof that a network is too cautious. For the same reason the promise is an average one, and
the scores say what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.forecasts.scores import MEAN, P10, P50, P90

SIDE = 0.9  # of the truths should not lie farther out on either side: together 80 %
FEWEST = 50  # our choice: with fewer truths of a horizon and category, all horizons of the category count together
NARROWEST = 1e-6  # a width of 0 has no multiple


@dataclass(frozen=True)
class Calibration:
    """Factors on the widths below and above the median, (H, C, 2), and `n_values` (H, C) behind them; 0 = factor 1."""

    factors: np.ndarray
    n_values: np.ndarray

    @classmethod
    def none(cls, horizon: int, n_categories: int) -> Self:
        """Leaves every interval as it is."""
        return cls(np.ones((horizon, n_categories, 2)), np.zeros((horizon, n_categories), np.int64))

    @classmethod
    def fit(cls, truth: np.ndarray, predicted: np.ndarray) -> Self:
        """Of held-out forecasts `predicted` (n, H, C, 4) and what came, `truth` (n, H, C), NaN = not known by then."""
        distance = _distances(truth, predicted)
        is_known = ~np.isnan(distance[..., 0])
        horizon, n_categories = distance.shape[1:3]
        calibration = cls.none(horizon, n_categories)
        for category in range(n_categories):
            of_category = distance[:, :, category][is_known[:, :, category]]
            for ahead in range(horizon):
                own = distance[is_known[:, ahead, category], ahead, category]
                found = own if len(own) >= FEWEST else of_category
                if len(found):
                    calibration.factors[ahead, category] = [_conformal_quantile(side) for side in found.T]
                    calibration.n_values[ahead, category] = len(found)
        return calibration

    def apply(self, predicted: np.ndarray) -> np.ndarray:
        """Forecasts (n, H, C, 4) with calibrated p10 and p90, a new array; the mean is kept inside of them."""
        median = predicted[..., P50]
        low = median - self.factors[..., 0] * (median - predicted[..., P10])
        high = median + self.factors[..., 1] * (predicted[..., P90] - median)
        calibrated = predicted.copy()
        calibrated[..., P10], calibrated[..., P90] = low, high
        calibrated[..., MEAN] = np.clip(predicted[..., MEAN], low, high)
        return calibrated


def calibrate_as_time_passes(
    truths: Sequence[np.ndarray], predicted: Sequence[np.ndarray], days: Sequence[int], first: int
) -> list[np.ndarray]:
    """The forecasts of origins `first` on, each calibrated on the origins before it, by what had come to pass on its
    own day.

    `days` ascending, one an origin; `truths` (n, H, C) and `predicted` (n, H, C, 4) of each origin, any n.
    """
    calibrated = []
    for number in range(first, len(days)):
        known = []
        for before in range(number):
            ahead = np.arange(1, truths[before].shape[1] + 1)
            has_come = days[before] + ahead <= days[number]
            known.append(np.where(has_come[:, None], truths[before], np.nan))
        fitted = (
            Calibration.fit(np.concatenate(known), np.concatenate(predicted[:number]))
            if known
            else Calibration.none(*predicted[number].shape[1:3])
        )
        calibrated.append(fitted.apply(predicted[number]))
    return calibrated


def _distances(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """How far the truth lies below and above the median, in widths of that side, (n, H, C, 2); negative if beyond."""
    median = predicted[..., P50]
    below, above = (
        np.maximum(width, NARROWEST) for width in (median - predicted[..., P10], predicted[..., P90] - median)
    )
    return np.stack([(median - truth) / below, (truth - median) / above], axis=-1)


def _conformal_quantile(distances: np.ndarray) -> float:
    """The ceil(0.9 (n + 1))-th smallest of n, the largest where that is beyond them; at least 1."""
    rank = min(int(np.ceil(SIDE * (len(distances) + 1))), len(distances)) - 1
    return max(float(np.partition(distances, rank)[rank]), 1.0)
