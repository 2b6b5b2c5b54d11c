"""What a forecaster sees and what it is held against, cut from a daily grid: nothing after the origin ever enters a
feature.

Legend: n windows, W past days, H days ahead, C categories, R regions. An origin is a place in the grid: the last day
that is known. Each category of a window is brought to its own level and spread, so that one model serves a village and
a country: level = mean of its last `LEVEL_DAYS` days; spread = mean |difference to the same weekday a week before| over
the window, drawn towards the category's usual one where the window knows few days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.series.daily_grid import DailyGrid
from models.series.feature_encodings import (
    WEEK,
    MinMax,
    OneHot,
    Standard,
    from_card,
    plus_minus,
    to_card,
    weekday_cycle,
    with_mask,
)
from models.series.holiday_calendar import HolidayCalendar

LEVEL_DAYS = 14  # our choice: two weeks, so that every weekday counts twice
LAST_DAYS = 3  # our choice: what is newest, and not one day's accident
USUAL_COUNTS_AS = 5  # our choice: the category's usual spread weighs as much as five differences of the window's own


@dataclass(frozen=True)
class Panel:
    """All that is known of all regions: `grid`; the policy index by day of the grid, (T,), 0 to 100, NaN = not
    published; holidays, one row a region, reaching beyond the grid's last day by the horizon and a day; ids of the
    regions.
    """

    grid: DailyGrid
    policy: np.ndarray
    holidays: HolidayCalendar
    regions: tuple[str, ...]


@dataclass(frozen=True)
class WindowEncoding:
    """What was fitted on the training days: level and spread (C,) by category, range of the policy index, regions."""

    level: Standard
    spread: tuple[float, ...]
    policy: MinMax
    regions: OneHot

    @classmethod
    def fit(cls, panel: Panel, last_day: int) -> Self:
        """Of the days up to `last_day` (days since 1970-01-01)."""
        grid = panel.grid
        is_training = grid.day <= last_day
        change = np.abs(
            grid.values - _take(grid.values, window_places(grid, np.arange(len(grid.day)), -WEEK, -WEEK))[:, 0]
        )[is_training]
        spread = tuple(
            float(column[~np.isnan(column)].mean() or 1.0) if (~np.isnan(column)).any() else 1.0 for column in change.T
        )
        known = np.unique(grid.region[is_training & grid.is_observed])
        return cls(
            Standard.fit(grid.values[is_training]),
            spread,
            MinMax.fit(panel.policy[is_training][:, None]),
            OneHot.fit(panel.regions[number] for number in known),
        )

    def card(self) -> dict[str, Any]:
        """As a model's card keeps it; `from_card` gives it back."""
        parts = {"level": to_card(self.level), "policy": to_card(self.policy), "regions": to_card(self.regions)}
        return {"spread": list(self.spread), **parts}

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Self:
        """What `card` described. KeyError for a card of another form."""
        level, policy, regions = (from_card(card[name]) for name in ("level", "policy", "regions"))
        if not (isinstance(level, Standard) and isinstance(policy, MinMax) and isinstance(regions, OneHot)):
            raise KeyError("level, policy and regions are not encoded as they used to be")
        return cls(level, tuple(card["spread"]), policy, regions)


@dataclass(frozen=True)
class Windows:
    """Features of n windows, float32. `past` (n, W, 2C + 5): C values in spreads from the level (0 where missing), C
    flags of presence, sine and cosine of the weekday, holiday (+1, -1), policy index less that of the origin (0 where
    missing), its flag. `ahead` (n, H, 10): one-hot weekday of the target day; holiday (+1, -1) on the day before it, on
    it, on the day after. `place` (n, C, 5): level in the category's deviations; logarithm of the spread in its usual
    ones; in spreads, how far the last week lies from the level, and the last week and the last three days from the same
    days of the week before. `region` (n,) int64. `level`, `spread` (n, C) float64 lead back to percent; `is_known` (n,
    C): whether the window has any value.
    """

    past: np.ndarray
    ahead: np.ndarray
    place: np.ndarray
    region: np.ndarray
    level: np.ndarray
    spread: np.ndarray
    is_known: np.ndarray


def windows(panel: Panel, origins: np.ndarray, encoding: WindowEncoding, past_days: int, horizon: int) -> Windows:
    """The windows of `past_days` days that end at `origins` (n,), places in the grid."""
    grid = panel.grid
    places = window_places(grid, origins, 1 - past_days, 0)
    values = _take(grid.values, places)
    level, spread = _level(values, encoding), _spread(values, encoding)
    scaled, is_there = with_mask((values - level[:, None]) / spread[:, None])
    day, region = grid.day[origins][:, None], grid.region[origins][:, None]
    past_day, ahead_day = day + np.arange(1 - past_days, 1), day + np.arange(1, horizon + 1)
    index = encoding.policy.encode(_take(panel.policy[:, None], places))
    policy, has_policy = with_mask(index - index[:, -1:])
    is_holiday = plus_minus(panel.holidays.on(region, past_day))[..., None]
    past = scaled, is_there, weekday_cycle(past_day), is_holiday, policy, has_policy
    holidays = np.stack([panel.holidays.on(region, ahead_day + shift) for shift in (-1, 0, 1)], axis=-1)
    ahead = (np.eye(WEEK)[ahead_day % WEEK], plus_minus(holidays))
    place = np.stack(
        [encoding.level.encode(level), np.log(spread / np.array(encoding.spread)), *_drifts(values, level, spread)],
        axis=-1,
    )
    number = encoding.regions.numbers(panel.regions)
    return Windows(
        np.concatenate(past, axis=2, dtype=np.float32),
        np.concatenate(ahead, axis=2, dtype=np.float32),
        place.astype(np.float32),
        number[region[:, 0]],
        level,
        spread,
        np.asarray(is_there.any(axis=1)),
    )


def window_places(grid: DailyGrid, origins: np.ndarray, first: int, last: int) -> np.ndarray:
    """Places in the grid of days `first`..`last` from each origin, (n, last - first + 1); -1 beyond its region's."""
    offsets = np.cumsum(grid.lengths) - grid.lengths
    places = origins[:, None] + np.arange(first, last + 1)
    start = offsets[grid.region[origins]][:, None]
    stop = start + grid.lengths[grid.region[origins]][:, None]
    return np.where((places >= start) & (places < stop), places, -1)


def values_before(grid: DailyGrid, origins: np.ndarray, n_days: int) -> np.ndarray:
    """The values of the last `n_days` days up to each origin, (n, W, C), NaN where not published."""
    return _take(grid.values, window_places(grid, origins, 1 - n_days, 0))


def future_values(grid: DailyGrid, origins: np.ndarray, horizon: int) -> np.ndarray:
    """What came on the days 1..`horizon` after each origin, (n, H, C), NaN where not published or not yet known."""
    return _take(grid.values, window_places(grid, origins, 1, horizon))


def mean_over_days(values: np.ndarray) -> np.ndarray:
    """Mean over the days (axis 1) that are there, NaN where none is; (n, W, C) to (n, C)."""
    filled, is_there = with_mask(values)
    n_days = is_there.sum(axis=1)
    return np.divide(filled.sum(axis=1), n_days, out=np.full(n_days.shape, np.nan), where=n_days > 0)


def _level(values: np.ndarray, encoding: WindowEncoding) -> np.ndarray:
    """Mean of the last days, else of the window, else of the category."""
    level = mean_over_days(values[:, -LEVEL_DAYS:])
    level = np.where(np.isnan(level), mean_over_days(values), level)
    return np.where(np.isnan(level), np.array(encoding.level.mean), level)


def _spread(values: np.ndarray, encoding: WindowEncoding) -> np.ndarray:
    """Never 0: the category's usual spread is not, and counts too."""
    change, is_there = with_mask(np.abs(values[:, WEEK:] - values[:, :-WEEK]))
    return (change.sum(axis=1) + USUAL_COUNTS_AS * np.array(encoding.spread)) / (is_there.sum(axis=1) + USUAL_COUNTS_AS)


def _drifts(values: np.ndarray, level: np.ndarray, spread: np.ndarray) -> list[np.ndarray]:
    """Where the series has been going of late, in spreads, (n, C) each; 0 where nothing is known."""
    change = values[:, WEEK:] - values[:, :-WEEK]
    drifts = (
        mean_over_days(values[:, -WEEK:]) - level,
        mean_over_days(change[:, -WEEK:]),
        mean_over_days(change[:, -LAST_DAYS:]),
    )
    return [with_mask(drift / spread)[0] for drift in drifts]


def _take(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.where((places >= 0)[..., None], values[np.maximum(places, 0)], np.nan)
