"""Accidents that explain rewritten values as a whole: days moved, columns exchanged, a factor, lost signs, zeros for
gaps. Such an explanation stops a fetch also where rewriting as such is nothing unusual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from tasks.transforms.mobility.gate_panel import Finding, SideBySide
from tasks.transforms.mobility.gate_settings import GateSettings

SHIFTS = (*range(-7, 0), *range(1, 8), -366, -365, 365, 366)
"""Days by which dates slip: a week at most, and whole years."""
LEAST_SIZE = 5.0  # percent or points: smaller values say nothing of a factor, because of their rounding
NEAR = 0.02  # of a value that a factor gives: our choice
MOST_ROWS = 200_000  # region-days looked at: our choice, a second of work
Explanation = tuple[str, str, float]
"""Rule, words, and the share that it explains."""


def accident_findings(sides: SideBySide, settings: GateSettings) -> Iterator[Finding]:
    """The accident that explains most of what is no longer what it was: of the whole file, else country by country."""
    old, later = sides.old.values, sides.later
    both = ~np.isnan(old) & ~np.isnan(later)
    moved = both & (np.abs(later - old) > settings.rounding)
    filled = np.isnan(old) & ~np.isnan(later)
    n_zeros = int((filled & (later == 0)).sum())
    if n_zeros >= max(settings.n_explained, settings.least_explained * filled.sum()):
        message = f"{n_zeros} values that were not published are 0 now"
        yield Finding("gaps_became_zero", "stop", message, float(n_zeros), float(settings.n_explained))
    rows = np.flatnonzero(moved.any(axis=1))
    rows = rows[:: max(1, -(-len(rows) // MOST_ROWS))]
    countries = sides.old.countries[rows]
    for country in ("", *np.unique(countries).tolist()):
        here = rows if not country else rows[countries == country]
        if moved[here].sum() < settings.n_explained:
            continue
        rule, words, score = _best_explanation(sides, here, moved[here], settings)
        if score >= settings.least_explained:
            where = f"in {country}" if country else "in the file"
            message = f"{words} explains {score:.0%} of what changed {where}"
            yield Finding(rule, "stop", message, score, settings.least_explained, country)
            if not country:
                return


def _best_explanation(
    sides: SideBySide, rows: NDArray[np.int64], moved: NDArray[np.bool_], settings: GateSettings
) -> Explanation:
    """The accident that explains the greatest share of the `moved` cells of `rows`."""
    old, later = sides.old.values[rows], sides.later[rows]
    found: list[Explanation] = [
        ("values_became_zero", "a 0 in the place of each value", _share(later == 0, moved)),
        ("signs_lost", "the loss of the sign", _share(later == np.abs(old), moved)),
        ("signs_turned", "the turned sign", _share(later == -old, moved)),
        *_scaled(old, later, moved, settings),
        *_exchanged(sides.old.columns, old, later, moved, settings),
    ]
    for n_days in SHIFTS:
        same = sides.at_shift(rows, n_days) == old
        found.append(("dates_moved", f"{n_days:+d} days in every date", _share(same, moved)))
    return max(found, key=lambda one: one[2])


def _share(same: NDArray[np.bool_], moved: NDArray[np.bool_]) -> float:
    return float((same & moved).sum() / moved.sum())


def _scaled(
    old: NDArray[np.float64], later: NDArray[np.float64], moved: NDArray[np.bool_], settings: GateSettings
) -> Iterator[Explanation]:
    is_large = moved & (np.abs(old) >= LEAST_SIZE)
    if is_large.sum() < settings.n_explained:
        return
    factor = float(np.median(later[is_large] / old[is_large]))
    if factor > 0 and max(factor, 1 / factor) >= settings.least_factor:
        near = np.maximum(settings.rounding, NEAR * np.abs(factor * old))
        yield "values_scaled", f"a factor of {factor:.4g}", _share(np.abs(later - factor * old) <= near, moved)


def _exchanged(
    columns: Sequence[str],
    old: NDArray[np.float64],
    later: NDArray[np.float64],
    moved: NDArray[np.bool_],
    settings: GateSettings,
) -> Iterator[Explanation]:
    for column, other in permutations(range(len(columns)), 2):
        here = moved[:, column]
        if here.sum() >= settings.n_explained:
            words = f"{columns[column]} holding what was {columns[other]}"
            yield "columns_exchanged", words, _share(later[:, column] == old[:, other], here)
