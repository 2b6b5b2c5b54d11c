"""Observations by region and day, laid on a grid of calendar days: a day without a row is a gap and not a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DailyGrid:
    """Regions one after another, each from its first to its last observed day.

    `values` (T, D) float64, NaN = not observed; `lengths` (R,) days of each region; `first_day` (R,) its first day;
    `day` (T,) int64, days since 1970-01-01; `region` (T,) int64, number of the region.
    """

    values: np.ndarray
    lengths: np.ndarray
    first_day: np.ndarray
    day: np.ndarray
    region: np.ndarray

    @property
    def is_observed(self) -> np.ndarray:
        """Whether any column has a value on that day, bool (T,)."""
        return ~np.isnan(self.values).all(axis=1)


def daily_grid(region: np.ndarray, day: np.ndarray, column: np.ndarray, value: np.ndarray, n_columns: int) -> DailyGrid:
    """The grid of n observations: `region`, int, numbered 0..R-1 without gaps; `day`, int, days since 1970-01-01;
    `column`, int, 0..n_columns-1; `value`, float, NaN = not observed. All of shape (n,), any order.

    ValueError for two observations of one region, day and column, or for no observation at all.
    """
    if not len(region):
        raise ValueError("no observations: a grid needs at least one")
    n_regions = int(region.max()) + 1
    first, last = np.full(n_regions, np.iinfo(np.int64).max), np.full(n_regions, np.iinfo(np.int64).min)
    np.minimum.at(first, region, day)
    np.maximum.at(last, region, day)
    lengths = last - first + 1
    offsets = np.cumsum(lengths) - lengths
    place = (offsets[region] + day - first[region]) * n_columns + column
    if len(np.unique(place)) != len(place):
        raise ValueError("two observations of one region, day and column")
    values = np.full(int(lengths.sum()) * n_columns, np.nan)
    values[place] = value
    numbers = np.repeat(np.arange(n_regions), lengths)
    days = np.arange(len(numbers)) - np.repeat(offsets - first, lengths)
    return DailyGrid(values.reshape(-1, n_columns), lengths, first, days, numbers)


def without_weekday_effect(grid: DailyGrid) -> np.ndarray:
    """`grid.values` (T, D) less what each weekday differs from the mean of its region and column, missing left missing.

    The effect is estimated over the whole of each region's days, so it looks ahead: for describing, not for
    forecasting.
    """
    n_regions, n_columns = len(grid.lengths), grid.values.shape[1]
    weekday = grid.region * 7 + (grid.day + 3) % 7  # 1970-01-01 was a Thursday; 7 days a week
    is_there = ~np.isnan(grid.values)
    filled = np.where(is_there, grid.values, 0.0)
    sums, counts = np.zeros((n_regions * 7, n_columns)), np.zeros((n_regions * 7, n_columns))
    np.add.at(sums, weekday, filled)
    np.add.at(counts, weekday, is_there)
    region_sums, region_counts = (array.reshape(n_regions, 7, n_columns).sum(axis=1) for array in (sums, counts))
    with np.errstate(invalid="ignore"):  # 0 / 0 is a weekday that was never observed, and is never used
        effect = sums / counts - np.repeat(region_sums / region_counts, 7, axis=0)
    return grid.values - effect[weekday]
