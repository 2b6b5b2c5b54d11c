"""Moving means by calendar day: a missing day is a gap in the window, never a shift of it.

n rows, sorted by series and within a series by day, each day once; m columns (categories). Rows are laid on a line of
N places, a day a place; days without a row and the seams between series are places without a value, no more of them
than a window reaches. So whatever the gaps N <= (w + 1) · n for a reach of w days, a window is the places around its
own, and each mean is a plain sum in the order of the days: no running sum, which would carry rounding errors along.
O(N · m · w).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WINDOW_DAYS = 6
"""How far both published means reach: ±6 days, 13 in all, the smoothing of the mobility article's figures; and this
day and the 6 before, Our World in Data's 7-day mean.
"""


def published_means(
    series: NDArray[np.integer], days: NDArray[np.integer], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centred and the trailing mean of WINDOW_DAYS, as `calendar_means` gives them: both begin on the same day, so
    the first goes on where the second ends.
    """
    trailing, centred = means_until(series, days, values, before=WINDOW_DAYS, after=(0, WINDOW_DAYS))
    return centred, trailing


def calendar_means(
    series: NDArray[np.integer], days: NDArray[np.integer], values: NDArray[np.float64], *, before: int, after: int
) -> NDArray[np.float64]:
    """The mean of the published values from `before` days before to `after` days after each row's day; shape (n, m)
    like `values`.

    `series` (n,) and `days` (n,) must ascend together, no day twice in a series (ValueError otherwise); NaN in `values`
    = not published. NaN where the row itself is not published. Nothing is changed.
    """
    (means,) = means_until(series, days, values, before=before, after=(after,))
    return means


def means_until(
    series: NDArray[np.integer],
    days: NDArray[np.integer],
    values: NDArray[np.float64],
    *,
    before: int,
    after: Sequence[int],
) -> tuple[NDArray[np.float64], ...]:
    """`calendar_means` for several windows that begin `before` days before, ascending in where they end: a longer one
    goes on from the sums of the one before it, so that all cost what the longest does.
    """
    places = _places(series, days, reach=max(before, *after, 0) + 1)
    is_published = ~np.isnan(values)
    margin = max(before, *after, 0)
    n_places = int(places[-1]) + 1 if len(places) else 0
    line = np.zeros((n_places + 2 * margin, values.shape[1]))
    counted = np.zeros(line.shape, np.min_scalar_type(before + max(after) + 1))
    line[places + margin] = np.where(is_published, values, 0.0)
    counted[places + margin] = is_published
    sums, counts = np.zeros((n_places, values.shape[1])), np.zeros((n_places, values.shape[1]), counted.dtype)
    means, shift = [], -before
    for end in after:
        while shift <= end:
            window = slice(margin + shift, margin + shift + n_places)
            sums += line[window]
            counts += counted[window]
            shift += 1
        mean = np.full_like(values, np.nan)
        means.append(np.divide(sums[places], counts[places], out=mean, where=is_published))
    return tuple(means)


def _places(series: NDArray[np.integer], days: NDArray[np.integer], *, reach: int) -> NDArray[np.int64]:
    """Where each row stands on the line, from 0. Two rows that are `reach` days or more apart, or of two series, stand
    `reach` places apart. ValueError where rows are not sorted.
    """
    distance = np.diff(days.astype(np.int64))
    is_seam = np.diff(series) != 0
    if (~is_seam & (distance <= 0)).any() or (np.diff(series) < 0).any():
        raise ValueError("rows must be sorted by series and day, each day of a series once")
    steps = np.where(is_seam | (distance > reach), reach, distance)
    return np.concatenate([np.zeros(min(1, len(days)), np.int64), np.cumsum(steps)])
