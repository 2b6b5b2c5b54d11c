"""The rule on levels: weekly means of the first new weeks, held against all that the past of their series has shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.transforms.mobility.gate_panel import Finding, Panel, SideBySide
from tasks.transforms.mobility.gate_settings import GateSettings

WEEK = 7
SMALL_STEP = 10.0  # percent or points: our choice, smaller steps are nothing to be held against
FIRST_WEEKS = 2
LEAST_LEVELS = 4  # weekly levels of a country that can be held against a past
LEAST_DAYS = 4  # of a week with values, before it has a level
LEAST_WEEKS = 12  # of past, before a step is told to be out of the common


def level_findings(
    sides: SideBySide, countries: NDArray[np.str_], last: NDArray[np.int64], settings: GateSettings
) -> Iterator[Finding]:
    """Levels of the first new weeks far outside of all that the past of their series has shown, by country."""
    old, new = sides.old, sides.new
    end = np.full(len(new.region_ids), -1, np.int64)  # of the old vintage, by region
    known = np.isin(new.country_codes, countries)
    end[known] = last[np.searchsorted(countries, new.country_codes[known])]
    level = _weekly_means(new, end)
    past = _weekly_means(old, end)
    n_weeks = int(past.week.max(initial=0)) + 1 if len(past.week) else 0
    if not n_weeks:
        return
    is_first = (level.week < 0) & (level.week >= -FIRST_WEEKS)
    far: list[NDArray[np.bool_]] = []
    codes: list[NDArray[np.str_]] = []
    for column in range(len(old.columns)):
        low, high, n_past = _ranges(past, column, len(new.region_ids))
        chosen = is_first & np.isfinite(level.mean[:, column]) & (n_past[level.series] >= LEAST_WEEKS)
        series, mean = level.series[chosen], level.mean[chosen, column]
        width = np.maximum(high - low, SMALL_STEP)[series]
        beyond = np.maximum(low[series] - mean, mean - high[series])
        far.append(beyond > settings.told_beyond * width)
        codes.append(new.country_codes[series])
    is_far, country_of = np.concatenate(far), np.concatenate(codes)
    for country in np.unique(country_of):
        here = is_far[country_of == country]
        share = float(here.mean())
        if share > settings.most_beyond_range and len(here) >= LEAST_LEVELS:
            message = f"{share:.0%} of the weekly levels of {country} lie far outside of their past on the new days"
            yield Finding("levels_out_of_range", "warn", message, share, settings.most_beyond_range, str(country))


@dataclass(frozen=True)
class _WeeklyMeans:
    """Means of the published values of a series and week, shape (m, k): `week` counts back from the end of the old
    vintage, 0 being its last, -1 the first new one. NaN where fewer than LEAST_DAYS were published.
    """

    series: NDArray[np.int64]
    week: NDArray[np.int64]
    mean: NDArray[np.float64]


def _weekly_means(panel: Panel, end: NDArray[np.int64]) -> _WeeklyMeans:
    rows = np.flatnonzero(end[panel.series] >= 0)
    series, values = panel.series[rows], panel.values[rows]
    week = (end[series] - panel.days[rows]) // WEEK
    if not len(rows):
        return _WeeklyMeans(series, week, values)
    starts = np.flatnonzero(np.r_[True, (np.diff(series) != 0) | (np.diff(week) != 0)])
    is_there = ~np.isnan(values)
    sums = np.add.reduceat(np.where(is_there, values, 0.0), starts, axis=0)
    n = np.add.reduceat(is_there.astype(np.int64), starts, axis=0)
    mean = np.divide(sums, n, out=np.full(sums.shape, np.nan), where=n >= LEAST_DAYS)
    return _WeeklyMeans(series[starts], week[starts], mean)


def _ranges(
    past: _WeeklyMeans, column: int, n_series: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The least and the greatest weekly mean of each series, and of how many weeks."""
    is_there = np.isfinite(past.mean[:, column])
    low, high = np.full(n_series, np.inf), np.full(n_series, -np.inf)
    np.minimum.at(low, past.series[is_there], past.mean[is_there, column])
    np.maximum.at(high, past.series[is_there], past.mean[is_there, column])
    n = np.bincount(past.series[is_there], minlength=n_series)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 0.0), n
