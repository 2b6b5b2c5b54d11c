"""Moving means by calendar day: a missing day is a gap in the window, never a shift of it.

n rows, sorted by series and within a series by day, each day once; m columns (categories). A window of w days before
and after a day holds at most w rows on either side, so the rows w places away are all that must be looked at, whatever
the gaps: no dense calendar, no running sum (which would carry rounding errors along), O(n · m · w), and each mean is a
plain sum in the order of the days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CENTRED_DAYS = 6  # ±6 days, 13 in all: the smoothing of the mobility article's figures
TRAILING_DAYS = 6  # this day and the 6 before: Our World in Data's 7-day mean


def calendar_means(
    series: NDArray[np.integer], days: NDArray[np.integer], values: NDArray[np.float64], *, before: int, after: int
) -> NDArray[np.float64]:
    """The mean of the published values from `before` days before to `after` days after each row's day; shape (n, m)
    like `values`.

    `series` (n,) and `days` (n,) must ascend together, no day twice in a series (ValueError otherwise); NaN in `values`
    = not published. NaN where the row itself is not published. Nothing is changed.
    """
    if values.shape[0] > 1:
        is_next = (np.diff(series) > 0) | ((np.diff(series) == 0) & (np.diff(days) > 0))
        if not is_next.all():
            raise ValueError("rows must be sorted by series and day, each day of a series once")
    is_published = ~np.isnan(values)
    filled = np.where(is_published, values, 0.0)
    sums, counts = np.zeros_like(filled), np.zeros(filled.shape, np.int32)
    n_rows = values.shape[0]
    for shift in range(-before, after + 1):
        near, far = (
            slice(max(0, -shift), max(0, n_rows - max(0, shift))),
            slice(max(0, shift), max(0, n_rows - max(0, -shift))),
        )
        distance = days[far] - days[near]
        is_inside = (series[far] == series[near]) & (distance >= -before) & (distance <= after)
        sums[near] += np.where(is_inside[:, None], filled[far], 0.0)
        counts[near] += is_published[far] & is_inside[:, None]
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=is_published)
