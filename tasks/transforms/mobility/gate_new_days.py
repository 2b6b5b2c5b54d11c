"""Rules on the days behind the end of the vintage in force, held against its own past; and on a first fetch, against
itself. Robust on purpose: Christmas, a lockdown and a season must pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.transforms.mobility.gate_levels import level_findings
from tasks.transforms.mobility.gate_panel import Finding, Panel, Severity, SideBySide
from tasks.transforms.mobility.gate_settings import GateSettings

LEAST_CELLS = 30  # of a past, before its shares say anything: our choice
FEW_CELLS = 6  # of new days: one day of one region with all its categories
RECENT_DAYS = 28
FEW_DAYS = 3
LEAST_PAST = 84  # days: a country that has just gone down may rise at once
REPEATED_DAYS, REPEATED_CELLS = 5, 48  # a small country repeats three days by chance, seen in HK and BH
SLIPS = (1, 7)  # days by which dates slip
FINEST = 1e-6  # texts have no more digits


@dataclass(frozen=True)
class _NewDays:
    """One country: values of its past (`old`, and of that the last RECENT_DAYS days), and of the days behind, with
    their series, days and values of the same weekday 1, 2 and 4 weeks before; (n, k) each.
    """

    country: str
    columns: tuple[str, ...]
    last_day: int
    old: NDArray[np.float64]
    recent: NDArray[np.float64]
    series: NDArray[np.int64]
    days: NDArray[np.int64]
    new: NDArray[np.float64]
    before: tuple[NDArray[np.float64], ...]
    n_old_days: int

    @property
    def n_days(self) -> int:
        """How many new days there are."""
        return len(np.unique(self.days))


def new_day_findings(sides: SideBySide, settings: GateSettings) -> Iterator[Finding]:
    """What the rules on new days find, by country and column."""
    countries, last = _last_days(sides.old)
    for one in _by_country(sides, countries, last):
        yield from _silent(one, settings)
        yield from _finer(one, settings)
        yield from _zeros(one, settings)
        yield from _one_value(one, settings)
        yield from _signs(one, settings)
        yield from _repeated(one, settings)
        yield from _skipped(one)
        yield from _standing_still(one.country, one.columns, (one.series, one.new), settings, is_new=True)
    yield from level_findings(sides, countries, last, settings)


def alone_findings(panel: Panel, settings: GateSettings) -> Iterator[Finding]:
    """What can be said of a first fetch, by itself: columns that stand still."""
    codes = panel.countries
    for country in np.unique(codes):
        here = codes == country
        rows = (panel.series[here], panel.values[here])
        yield from _standing_still(str(country), panel.columns, rows, settings, is_new=False)


def _last_days(panel: Panel) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """The countries of a panel, sorted, and the last day of each."""
    countries, of_row = np.unique(panel.countries, return_inverse=True)
    last = np.zeros(len(countries), np.int64)
    np.maximum.at(last, of_row, panel.days)
    return countries, last


def _by_country(sides: SideBySide, countries: NDArray[np.str_], last: NDArray[np.int64]) -> Iterator[_NewDays]:
    """The countries that have new days."""
    old, new = sides.old, sides.new
    whole = SideBySide(new, new, np.arange(len(new.days)))
    old_rows, new_rows = _rows_of(old), _rows_of(new)
    for place, country in enumerate(countries.tolist()):
        of_past = old_rows[country]
        rows = new_rows.get(country, np.empty(0, np.int64))
        rows = rows[new.days[rows] > last[place]]
        if len(rows):
            is_recent = old.days[of_past] > last[place] - RECENT_DAYS
            before = tuple(whole.at_shift(rows, -7 * weeks) for weeks in (1, 2, 4))
            past, n_old_days = old.values[of_past], int(last[place] - old.days[of_past].min()) + 1
            yield _NewDays(
                country, old.columns, int(last[place]), past, past[is_recent],
                new.series[rows], new.days[rows], new.values[rows], before, n_old_days,
            )  # fmt: skip


def _rows_of(panel: Panel) -> dict[str, NDArray[np.int64]]:
    """The rows of each country, in their order."""
    codes, of_series = np.unique(panel.country_codes, return_inverse=True)
    of_row = of_series[panel.series]
    order = np.argsort(of_row, kind="stable")
    ends = np.searchsorted(of_row[order], np.arange(len(codes)), side="right")
    return {str(code): part for code, part in zip(codes, np.split(order, ends[:-1]), strict=True)}


def _silent(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    for column, name in enumerate(one.columns):
        share = 1.0 - float(np.isnan(one.recent[:, column]).mean()) if len(one.recent) else 0.0
        if one.n_days >= FEW_DAYS and np.isnan(one.new[:, column]).all() and share >= settings.told_silent:
            message = f"{name} of {one.country} is not published on the new days, and was nearly always before"
            yield Finding("column_fell_silent", "warn", message, share, settings.told_silent, one.country, name)


def _finer(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    for column, name in enumerate(one.columns):
        old, new = _published(one.old[:, column]), _published(one.new[:, column])
        if len(old) < LEAST_CELLS or not len(new):
            continue
        was, now = (float((np.abs(values - np.round(values)) > FINEST).mean()) for values in (old, new))
        if now - was > settings.told_finer:
            is_much = now - was > settings.most_finer
            message = f"{name} of {one.country} comes in fractions on the new days: another unit, or smoothed"
            limit = settings.most_finer if is_much else settings.told_finer
            severity: Severity = "stop" if is_much else "warn"
            yield Finding("values_finer_than_before", severity, message, now - was, limit, one.country, name)


def _zeros(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    old, new = _published(one.old), _published(one.new)
    if len(old) < LEAST_CELLS or len(new) < FEW_CELLS:
        return
    was, now = float((old == 0).mean()), float((new == 0).mean())
    if now - was > settings.most_zero:
        message = f"{now:.0%} of the new values of {one.country} are 0, {was:.0%} before"
        severity: Severity = "stop" if len(new) >= LEAST_CELLS else "warn"
        yield Finding("too_many_zeros", severity, message, now - was, settings.most_zero, one.country)


def _one_value(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    new = _published(one.new)
    if len(new) >= FEW_CELLS and settings.most_constant < 1 and (new == new[0]).all():
        message = f"every new value of {one.country} is {new[0]:g}"
        yield Finding("one_value", "stop", message, float(len(new)), FEW_CELLS, one.country)


def _signs(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    """Columns that fell most days of the last weeks, and never fall on the new ones."""
    with np.errstate(invalid="ignore"):
        n_old = np.maximum((~np.isnan(one.recent)).sum(axis=0), 1)
        falls = (one.recent < 0).sum(axis=0) / n_old
    falling = (falls >= settings.told_falls) & (n_old >= LEAST_CELLS / 2)
    new = _published(one.new[:, falling])
    if min(one.n_days - FEW_DAYS, len(new) - FEW_CELLS, one.n_old_days - LEAST_PAST) >= 0 and not (new < 0).any():
        message = f"no new value of {one.country} is a fall, where most were in the weeks before"
        score = float(falls[falling].mean())
        yield Finding("falls_gone", "warn", message, score, settings.told_falls, one.country)


def _repeated(one: _NewDays, settings: GateSettings) -> Iterator[Finding]:
    """Three new days and more that are a copy of the same weekdays one, two or four weeks before."""
    if settings.most_repeated >= 1:
        return
    days = np.unique(one.days)
    for weeks, before in zip((1, 2, 4), one.before, strict=True):
        both = ~np.isnan(one.new) & ~np.isnan(before)
        same = (one.new == before) & both
        place = np.searchsorted(days, one.days)
        n = np.bincount(place, weights=both.sum(axis=1), minlength=len(days))
        n_same = np.bincount(place, weights=same.sum(axis=1), minlength=len(days))
        copied = (n >= 1) & (n_same > settings.most_repeated * n)
        if copied.sum() >= REPEATED_DAYS and n[copied].sum() >= REPEATED_CELLS:
            message = f"{int(copied.sum())} new days of {one.country} repeat those {7 * weeks} days before"
            limit = settings.most_repeated
            yield Finding("days_repeated", "stop", message, float(copied.sum()), limit, one.country)
            return


def _skipped(one: _NewDays) -> Iterator[Finding]:
    n_skipped = int(one.days.min()) - one.last_day - 1
    if n_skipped in SLIPS and len(one.recent) >= FEW_CELLS * RECENT_DAYS:
        message = f"{n_skipped} days of {one.country} are missing between the old end and the new days"
        yield Finding("days_skipped", "warn", message, float(n_skipped), 0.0, one.country)


def _standing_still(
    country: str,
    columns: tuple[str, ...],
    rows: tuple[NDArray[np.int64], NDArray[np.float64]],
    settings: GateSettings,
    *,
    is_new: bool,
) -> Iterator[Finding]:
    """Columns that never move in many series that have `n_still_days` values and more; `rows` are sorted by series."""
    series, values = rows
    if not len(series):
        return
    starts = np.flatnonzero(np.r_[True, np.diff(series) != 0])
    for column, name in enumerate(columns):
        is_there = ~np.isnan(values[:, column])
        n = np.add.reduceat(is_there.astype(np.int64), starts)
        least = np.minimum.reduceat(np.where(is_there, values[:, column], np.inf), starts)
        most = np.maximum.reduceat(np.where(is_there, values[:, column], -np.inf), starts)
        is_long = n >= settings.n_still_days
        n_still = int((is_long & (least == most)).sum())
        if n_still and n_still > settings.most_constant * is_long.sum():
            message = f"{name} never moves in {n_still} of {int(is_long.sum())} series of {country}"
            score = n_still / float(is_long.sum())
            severity: Severity = "stop" if is_new else "warn"
            yield Finding("series_stand_still", severity, message, score, settings.most_constant, country, name)


def _published(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that are there, in one row."""
    return values[~np.isnan(values)]
