"""What a gate looks at: the values of one fetch, and of two fetches of one path laid side by side.

Letters of shapes: r regions, n region-days, k columns (categories or indices), c countries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["stop", "warn"]
_MOST_DAYS = 1 << 20  # of the key of a region-day; 2**20 days are 2,800 years


@dataclass(frozen=True)
class Finding:
    """A rule that a fetch breaks: whether that stops it, where, and the number that was held against the threshold.

    `country_code` is empty where all are meant, `column` where no single one is.
    """

    rule: str
    severity: Severity
    message: str
    score: float
    threshold: float
    country_code: str = ""
    column: str = ""


@dataclass(frozen=True)
class Panel:
    """The values of one fetch, sorted by region and day, each region-day once.

    `region_ids` (r,) with the country of each in `country_codes` (r,); `series` (n,) are places among them, `days` (n,)
    count from 1970, `values` (n, k) in the order of `columns`, NaN = not published. `n_rows_in` lines were read for
    them, `n_broken` of these set aside.
    """

    region_ids: NDArray[np.str_]
    country_codes: NDArray[np.str_]
    columns: tuple[str, ...]
    series: NDArray[np.int64]
    days: NDArray[np.int64]
    values: NDArray[np.float64]
    n_rows_in: int = 0
    n_broken: int = 0

    @property
    def keys(self) -> NDArray[np.int64]:
        """A number for each region-day, ascending."""
        return self.series * _MOST_DAYS + self.days

    @property
    def countries(self) -> NDArray[np.str_]:
        """The country of each row."""
        return self.country_codes[self.series]


@dataclass(frozen=True)
class SideBySide:
    """Two fetches on the regions of both: `old` and `new` share region_ids and columns.

    `place` (n_old,) is each old row's place among the new rows, -1 where that region-day has gone.
    """

    old: Panel
    new: Panel
    place: NDArray[np.int64]

    @property
    def later(self) -> NDArray[np.float64]:
        """The new values of the old region-days, shape (n_old, k); NaN where they have gone."""
        found = np.full(self.old.values.shape, np.nan)
        there = self.place >= 0
        found[there] = self.new.values[self.place[there]]
        return found

    def at_shift(self, rows: NDArray[np.int64], n_days: int) -> NDArray[np.float64]:
        """The new values of some old rows' regions `n_days` later, shape (len(rows), k); NaN where there are none."""
        found = np.full((len(rows), self.old.values.shape[1]), np.nan)
        place, is_there = _look_up(self.new.keys, self.old.keys[rows] + n_days)
        found[is_there] = self.new.values[place[is_there]]
        return found


Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Series (n,), days (n,) and values (n, k)."""


def panel(
    regions: tuple[Sequence[str], Sequence[str]],
    columns: Sequence[str],
    rows: Rows,
    n_rows_in: int = 0,
    n_broken: int = 0,
) -> Panel:
    """A panel of rows in any order, on `regions` (identifiers, country codes); of several rows of one region-day the
    last one counts.
    """
    series, days, values = rows
    order = np.lexsort((days, series))
    series, days, values = series[order], days[order], values[order]
    is_last = np.ones(len(series), np.bool_)
    is_last[:-1] = (series[1:] != series[:-1]) | (days[1:] != days[:-1])
    kept = (series[is_last], days[is_last], values[is_last])
    region_ids, country_codes = (np.array(names, np.str_) for names in regions)
    return Panel(region_ids, country_codes, tuple(columns), *kept, n_rows_in, n_broken)


def side_by_side(old: Panel, new: Panel) -> SideBySide:
    """Both on the regions that either has, in order of region_id, and on the columns that both have."""
    region_ids = np.union1d(old.region_ids, new.region_ids)
    columns = [name for name in old.columns if name in new.columns]
    codes = np.full(len(region_ids), "", dtype=np.result_type(old.country_codes, new.country_codes))
    for side in (old, new):
        codes[np.searchsorted(region_ids, side.region_ids)] = side.country_codes
    old, new = (_on(side, region_ids, codes, columns) for side in (old, new))
    place, is_there = _look_up(new.keys, old.keys)
    return SideBySide(old, new, np.where(is_there, place, -1))


def _on(side: Panel, region_ids: NDArray[np.str_], codes: NDArray[np.str_], columns: Sequence[str]) -> Panel:
    """A panel on other regions, those of its own among them, and on some of its columns."""
    series = np.searchsorted(region_ids, side.region_ids)[side.series]
    values = side.values[:, [side.columns.index(name) for name in columns]]
    names = (region_ids.tolist(), codes.tolist())
    return panel(names, columns, (series, side.days, values), side.n_rows_in, side.n_broken)


def _look_up(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where `wanted` stand among ascending `keys`, and whether they do."""
    place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    is_there = keys[place] == wanted if len(keys) else np.zeros(len(wanted), np.bool_)
    return place, is_there
