"""Rules on the days that the vintage in force has too: what has gone, and what is no longer what it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.transforms.mobility.gate_panel import Finding, SideBySide
from tasks.transforms.mobility.gate_settings import GateSettings

EPOCH = date(1970, 1, 1)
LEAST_CELLS = 30  # of a country and column, before a correlation says anything: our choice


def history_findings(sides: SideBySide, settings: GateSettings) -> Iterator[Finding]:
    """What the rules on old days find."""
    yield from _dates_go_back(sides)
    gone = np.setdiff1d(np.unique(sides.old.countries), np.unique(sides.new.countries))
    yield from _countries_gone(sides, settings, gone)
    yield from _regions_gone(sides, settings, gone)
    yield from _values_changed(sides, settings)


def contradictions(sides: SideBySide, settings: GateSettings) -> Iterator[Finding]:
    """Where two files of one source, neither of which replaces the other, tell of the same and tell it otherwise."""
    counts = _count(sides, settings)
    for place, column in zip(*np.nonzero(counts.n_moved > settings.told_rewritten * counts.n_both), strict=True):
        country, name, at = str(counts.countries[place]), sides.old.columns[column], (place, column)
        share = float(counts.n_moved[at] / counts.n_both[at])
        n_moved, n_both = counts.n_moved[at], counts.n_both[at]
        message = f"{n_moved:.0f} of {n_both:.0f} values of {name} in {country} contradict another file of the source"
        yield Finding("files_contradict", "warn", message, share, settings.told_rewritten, country, name)


def _dates_go_back(sides: SideBySide) -> Iterator[Finding]:
    if not len(sides.old.days) or not len(sides.new.days):
        return
    last, now = int(sides.old.days.max()), int(sides.new.days.max())
    if now < last:
        ends, ended = (EPOCH + timedelta(days=day) for day in (now, last))
        message = f"it ends on {ends}, and what is in force on {ended}: an older or a cut file"
        yield Finding("dates_go_back", "stop", message, float(now - last), 0.0)


def _countries_gone(sides: SideBySide, settings: GateSettings, gone: NDArray[np.str_]) -> Iterator[Finding]:
    if len(gone):
        had = np.unique(sides.old.countries)
        share = len(gone) / len(had)
        is_many = share > settings.most_regions_gone or settings.told_regions_gone == 0
        if is_many or share > settings.told_regions_gone:
            message = f"{len(gone)} of {len(had)} countries have gone: {_listed(gone)}"
            limit = settings.told_regions_gone
            yield Finding("countries_gone", "stop" if is_many else "warn", message, share, limit)


def _regions_gone(sides: SideBySide, settings: GateSettings, gone: NDArray[np.str_]) -> Iterator[Finding]:
    there = np.zeros(len(sides.old.region_ids), np.bool_)
    there[sides.new.series] = True
    had = np.unique(sides.old.series)
    codes = sides.old.country_codes[had]
    for country in np.setdiff1d(np.unique(codes), gone):
        of_country = had[codes == country]
        lost = of_country[~there[of_country]]
        share = len(lost) / len(of_country)
        if not share > settings.told_regions_gone:
            continue
        is_many = len(lost) > 1 and share > settings.most_regions_gone
        n_new = int(((sides.new.country_codes == country) & there).sum()) - (len(of_country) - len(lost))
        words = (
            f"{len(lost)} of {len(of_country)} regions of {country} have gone ({_listed(sides.old.region_ids[lost])})"
        )
        message = f"{words}, and {n_new} come new: renamed, or lost" if n_new else words
        limit = settings.most_regions_gone if is_many else settings.told_regions_gone
        yield Finding("regions_gone", "stop" if is_many else "warn", message, share, limit, str(country))


def _values_changed(sides: SideBySide, settings: GateSettings) -> Iterator[Finding]:
    """Values that have gone, came where there were none, or are others, by country and column."""
    counts = _count(sides, settings)
    for column, name in enumerate(sides.old.columns):
        moved, both = counts.moved[:, column], counts.both[:, column]
        if both.any() and moved[both].mean() > settings.most_mean_revision:
            mean = float(moved[both].mean())
            message = f"{name} differs from what is in force by {mean:.1f} on average"
            yield Finding("revision_too_large", "stop", message, mean, settings.most_mean_revision, "", name)
        for place in range(len(counts.countries)):
            yield from _of_country(counts, place, column, settings, name)
            yield from _another_shape(sides, counts, place, column, settings)


@dataclass(frozen=True)
class _Counts:
    """Cells (n_old, k) by what became of them, and their numbers by country and column (c, k)."""

    countries: NDArray[np.str_]
    of_row: NDArray[np.int64]
    both: NDArray[np.bool_]
    moved: NDArray[np.float64]
    n_was: NDArray[np.float64]
    n_gone: NDArray[np.float64]
    n_both: NDArray[np.float64]
    n_moved: NDArray[np.float64]
    size: NDArray[np.float64]
    n_gap: NDArray[np.float64]
    n_filled: NDArray[np.float64]


def _count(sides: SideBySide, settings: GateSettings) -> _Counts:
    old, later = sides.old.values, sides.later
    countries, of_row = np.unique(sides.old.countries, return_inverse=True)
    there = np.zeros(len(sides.old.region_ids), np.bool_)
    there[sides.new.series] = True
    last_day = np.zeros(len(countries), np.int64)
    np.maximum.at(last_day, of_row, sides.old.days)
    is_final = sides.old.days <= last_day[of_row] - settings.n_preliminary_days
    is_final &= there[sides.old.series]  # regions that have gone are told as such
    was, is_now = ~np.isnan(old), ~np.isnan(later)
    both = was & is_now
    moved = np.abs(np.where(both, later - old, 0.0))

    def summed(cells: NDArray[Any]) -> NDArray[np.float64]:
        columns = [np.bincount(of_row, weights=cells[:, n], minlength=len(countries)) for n in range(cells.shape[1])]
        return np.column_stack(columns).astype(np.float64)

    return _Counts(
        countries=countries,
        of_row=of_row,
        both=both,
        moved=moved,
        n_was=summed(was & is_final[:, None]),
        n_gone=summed(was & ~is_now & is_final[:, None]),
        n_both=summed(both),
        n_moved=summed(moved > settings.rounding),
        size=summed(moved),
        n_gap=summed(~was & (sides.place >= 0)[:, None]),
        n_filled=summed(~was & is_now),
    )


def _of_country(counts: _Counts, place: int, column: int, settings: GateSettings, name: str) -> Iterator[Finding]:
    country, at = str(counts.countries[place]), (place, column)

    def finding(rule: str, share: float, limits: tuple[float, float], words: str) -> Iterator[Finding]:
        told, most = limits
        if share > told:
            is_much = share > most
            limit = most if is_much else told
            yield Finding(rule, "stop" if is_much else "warn", words, share, limit, country, name)

    n_gone, n_was, n_moved, n_both, n_filled, n_gap, size = (
        float(one[at])
        for one in (
            counts.n_gone, counts.n_was, counts.n_moved, counts.n_both, counts.n_filled, counts.n_gap, counts.size,
        )
    )  # fmt: skip
    words = f"{n_gone:.0f} of {n_was:.0f} old values of {name} in {country} have gone"
    yield from finding("values_gone", n_gone / max(1.0, n_was), (0.0, settings.most_values_gone), words)
    mean = size / max(1.0, n_moved)
    words = f"{n_moved:.0f} of {n_both:.0f} old values of {name} in {country} are others, by {mean:.3g} on average"
    limits = (settings.told_rewritten, settings.most_rewritten)
    yield from finding("history_rewritten", n_moved / max(1.0, n_both), limits, words)
    words = f"{n_filled:.0f} of {n_gap:.0f} gaps of {name} in {country} are filled"
    limits = (settings.told_filled, settings.most_filled)
    yield from finding("gaps_filled", n_filled / max(1.0, n_gap), limits, words)


def _another_shape(
    sides: SideBySide, counts: _Counts, place: int, column: int, settings: GateSettings
) -> Iterator[Finding]:
    if settings.least_correlation <= -1 or counts.n_both[place, column] < LEAST_CELLS:
        return
    rows = counts.both[:, column] & (counts.of_row == place)
    pair = np.vstack([sides.old.values[rows, column], sides.later[rows, column]])
    if not (pair.std(axis=1) > 1).all():
        return
    correlation = float(np.corrcoef(pair)[0, 1])
    if correlation < settings.least_correlation:
        country, name = str(counts.countries[place]), sides.old.columns[column]
        message = f"{name} of {country} goes another way than before (correlation {correlation:.2f})"
        limit = settings.least_correlation
        yield Finding("history_of_another_shape", "stop", message, correlation, limit, country, name)


def _listed(names: NDArray[np.str_]) -> str:
    shown = ", ".join(names[:5].tolist())
    return shown if len(names) <= 5 else f"{shown} …"  # noqa: PLR2004  # five are enough to see which
