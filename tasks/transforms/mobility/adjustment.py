"""Daily series taken apart: what remains + the effect of the weekday + the effect of a public holiday.

A grid has shape (R, D, C): R regions, D calendar days one after another, C categories; NaN = not published. A series is
one region's category. For a series y on day t, an ordinary day being one that is published and no holiday:

- level(t): mean of y over the ordinary days within ±3 days, one week; at least MIN_LEVEL_DAYS of them;
- deviation(t) = y(t) - level(t), on ordinary days only;
- weekday(t): median of the deviations of the same weekday in the WEEKS before and after, at least MIN_WEEKS of them.
  The week of t itself is left out, so that a day never explains itself;
- holiday(t), on a holiday: y(t) - weekday(t) less the mean of y - weekday over the ordinary days within ±6 days, at
  least MIN_AROUND_DAYS of them; 0 on every other day;
- adjusted(t) = y(t) - weekday(t) - holiday(t).

The effects are additive because the values are changes in percent points. Later days look in: those up to four weeks
and three days after a value change it, of a holiday six days more, and what is forecast must not be learned from it
(decision 0026). Weekday and level are a median and a mean of what is published, so that a gap only thins them; where
too little is left there is no effect, and nothing adjusted. Deliberately not here: a holiday's eve, school holidays, a
trend of the effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]

LEVEL_DAYS = 3  # ±3 days hold every weekday once
AROUND_DAYS = 6  # ±6 days: the smoothing of the mobility article's figures
WEEKS = (-4, -3, -2, -1, 1, 2, 3, 4)  # compared with a trailing and a whole-sample choice in decision 0026
MIN_LEVEL_DAYS, MIN_WEEKS, MIN_AROUND_DAYS = 5, 3, 4  # our choice: more than half of a week; a median of at least three
STEP = 1 / 64
"""Effects are multiples of it, so that what remains plus both effects is the very value again: floats add multiples of
a power of two without rounding, and Google's values are whole numbers.
"""


@dataclass(frozen=True)
class Parts:
    """A grid taken apart, each of shape (R, D, C): `weekday + holiday + adjusted` is the value. All three are NaN where
    the value is not published or too little is published around it.
    """

    weekday: Grid
    holiday: Grid
    adjusted: Grid


def take_apart(values: Grid, is_holiday: NDArray[np.bool_], weeks: Sequence[int] = WEEKS) -> Parts:
    """The parts of `values` (R, D, C), none of which is changed; `is_holiday` (R, D) says which days are public
    holidays, `weeks` by how many weeks the days lie away whose median is the effect of their weekday.
    """
    is_holiday = is_holiday[:, :, None]
    ordinary = np.where(is_holiday, np.nan, values)
    deviation = ordinary - mean_around(ordinary, LEVEL_DAYS, MIN_LEVEL_DAYS)
    weekday = _stepped(median_of_weeks(deviation, weeks))
    expected = mean_around(ordinary - weekday, AROUND_DAYS, MIN_AROUND_DAYS)
    holiday = np.where(is_holiday, _stepped(values - weekday - expected), 0.0)
    adjusted = values - weekday - holiday
    is_unknown = np.isnan(adjusted)
    weekday[is_unknown] = holiday[is_unknown] = np.nan
    return Parts(weekday, holiday, adjusted)


def mean_around(grid: Grid, reach: int, least: int) -> Grid:
    """The mean of the published values within `reach` days before and after each day; NaN for fewer than `least`."""
    is_published = ~np.isnan(grid)
    filled = np.where(is_published, grid, 0.0)
    sums, counts = np.zeros_like(filled), np.zeros(filled.shape, np.int16)
    for shift in range(-reach, reach + 1):
        near, far = _shifted(grid.shape[1], shift)
        sums[:, near] += filled[:, far]
        counts[:, near] += is_published[:, far]
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts >= least)


def median_of_weeks(deviation: Grid, weeks: Sequence[int]) -> Grid:
    """The median of the values that lie so many `weeks` away from each day; NaN for fewer than MIN_WEEKS."""
    stacked = np.full((*deviation.shape, len(weeks)), np.nan)
    for place, week in enumerate(weeks):
        near, far = _shifted(deviation.shape[1], 7 * week)
        stacked[:, near, :, place] = deviation[:, far]
    stacked.sort(axis=-1)  # NaN sorts behind every number
    counts = (~np.isnan(stacked)).sum(axis=-1)
    low, high = np.maximum(counts - 1, 0) // 2, counts // 2
    high = np.minimum(high, len(weeks) - 1)
    both = np.take_along_axis(stacked, np.stack([low, high], axis=-1), axis=-1)
    return np.where(counts >= MIN_WEEKS, both.mean(axis=-1), np.nan)


def _shifted(n_days: int, shift: int) -> tuple[slice, slice]:
    """The days that have one `shift` days later (earlier where negative), and those days themselves."""
    n_both = max(0, n_days - abs(shift))
    return slice(max(0, -shift), max(0, -shift) + n_both), slice(max(0, shift), max(0, shift) + n_both)


def _stepped(effect: Grid) -> Grid:
    return np.round(effect / STEP) * STEP
