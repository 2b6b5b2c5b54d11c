"""Public holidays as a feature of calendar days: known in advance, so a forecast may look at those of its days."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class HolidayCalendar:
    """Which days are public holidays: `is_holiday` bool (P, D), row = place in the order asked for, column = day from
    `first_day` on (days since 1970-01-01).
    """

    first_day: int
    is_holiday: np.ndarray

    def on(self, place: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Whether `day` is a holiday at `place`; both int, broadcast together. False outside of the calendar's days."""
        column = day - self.first_day
        n_days = self.is_holiday.shape[1]
        return self.is_holiday[place, np.clip(column, 0, n_days - 1)] & (column >= 0) & (column < n_days)


def holiday_calendar(places: Sequence[tuple[str, str | None]], first_day: int, last_day: int) -> HolidayCalendar:
    """The calendar of `places`, each an ISO 3166-1 alpha-2 country and its ISO 3166-2 part (`DE-BY`; None = the
    country), for the days `first_day`..`last_day` since 1970-01-01, both included.

    A part whose holidays nobody lists has its country's; a country that nobody lists has none.
    """
    rows = {place: _row(*place, first_day, last_day) for place in dict.fromkeys(places)}
    is_holiday = np.array([rows[place] for place in places], dtype=np.bool_).reshape(
        len(places), last_day - first_day + 1
    )
    return HolidayCalendar(first_day, is_holiday)


def _row(country: str, part: str | None, first_day: int, last_day: int) -> np.ndarray:
    row = np.zeros(last_day - first_day + 1, np.bool_)
    first, last = (EPOCH + timedelta(days=day) for day in (first_day, last_day))
    known = _supported()
    if country not in known:
        return row
    code = part.removeprefix(f"{country}-") if part is not None else None
    listed = holidays.country_holidays(
        country, subdiv=code if code in known[country] else None, years=range(first.year, last.year + 1)
    )
    for day in listed:
        if first <= day <= last:
            row[(day - first).days] = True
    return row


@functools.cache
def _supported() -> dict[str, list[str]]:
    return holidays.list_supported_countries()
