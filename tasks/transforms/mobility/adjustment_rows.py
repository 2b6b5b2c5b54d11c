"""The rows of `mobility_adjusted` from those of `mobility`: whole regions at a time laid out as grids, taken apart, and
read back row by row, in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from expectations.contracts.adjustments import MOBILITY_ADJUSTED
from expectations.contracts.mobility import CATEGORIES
from tasks.transforms.mobility.adjustment import take_apart
from tasks.transforms.mobility.adjustment_holidays import public_holidays
from tasks.transforms.mobility.known_events import Mark

DESCRIPTION = ("region_id", "country_code", "subregion_1", "subregion_2", "iso_3166_2_code")
READ = (*DESCRIPTION, "observed_on", "category", "change_pct")
"""The columns of `mobility` that are read."""
ROWS_AT_ONCE = 131_072  # our choice: a row group of the lake; a region of three years has 6,600 rows
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Place:
    """A region as far as its holidays and events go; `part_code` is its ISO 3166-2 code, or that of the first-level
    part in which it lies.
    """

    region_id: str
    country_code: str
    part_code: str | None


def adjusted_batches(mobility: pa.Table, events: Sequence[Mark]) -> Iterator[pa.RecordBatch]:
    """One row for each row of `mobility` (READ), whose rows must be sorted by region; `events`, the longest first."""
    if not mobility.num_rows:
        return
    encoded = mobility["region_id"].combine_chunks()
    region = (encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()).indices.to_numpy()
    starts = np.append(0, np.flatnonzero(np.diff(region)) + 1)
    if len(np.unique(region[starts])) != len(starts):
        raise ValueError("rows of mobility must be sorted by region")
    places = _places(mobility.take(pa.array(starts)))
    ends = np.append(starts[1:], mobility.num_rows)
    first = 0
    for last in range(len(starts)):
        is_full = last + 1 == len(starts) or ends[last + 1] - starts[first] > ROWS_AT_ONCE
        if is_full:
            rows = mobility.slice(starts[first], ends[last] - starts[first])
            lengths = ends[first : last + 1] - starts[first : last + 1]
            yield _adjusted(rows, np.repeat(np.arange(last + 1 - first), lengths), places[first : last + 1], events)
            first = last + 1


def _places(heads: pa.Table) -> list[Place]:
    """The places of regions, given the first row of each."""
    rows = heads.select(list(DESCRIPTION)).to_pylist()
    codes = {
        (row["country_code"], row["subregion_1"]): row["iso_3166_2_code"]
        for row in rows
        if row["subregion_1"] is not None and row["subregion_2"] is None
    }
    return [
        Place(
            row["region_id"],
            row["country_code"],
            row["iso_3166_2_code"] or codes.get((row["country_code"], row["subregion_1"])),
        )
        for row in rows
    ]


def _adjusted(
    rows: pa.Table, region: NDArray[np.int64], places: Sequence[Place], events: Sequence[Mark]
) -> pa.RecordBatch:
    """The adjusted rows of whole regions; `region` (n,) are the rows' places in `places`."""
    days = rows["observed_on"].cast(pa.int32()).to_numpy()
    first = int(days.min())
    day, n_days = days - first, int(days.max()) - first + 1
    category = pc.index_in(rows["category"].cast(pa.string()), value_set=pa.array(CATEGORIES)).to_numpy()
    grid = np.full((len(places), n_days, len(CATEGORIES)), np.nan)
    grid[region, day, category] = rows["change_pct"].to_numpy()
    names, holiday = _holidays(places, first, n_days)
    parts = take_apart(grid, holiday >= 0)
    event = _event_numbers(places, first, np.isnan(grid), events)[region, day, category]
    holiday = holiday[region, day]
    columns = {
        **{name: rows[name].combine_chunks() for name in ("region_id", "observed_on", "category", "change_pct")},
        "weekday_effect_pct": pa.array(parts.weekday[region, day, category], from_pandas=True),
        "holiday_effect_pct": pa.array(parts.holiday[region, day, category], from_pandas=True),
        "is_holiday": pa.array(holiday >= 0),
        "holiday": _named(holiday, names),
        "adjusted_pct": pa.array(parts.adjusted[region, day, category], from_pandas=True),
        "event_id": _named(event, [mark.event_id for mark in events]),
    }
    order = [column.name for column in MOBILITY_ADJUSTED.columns]
    return pa.RecordBatch.from_arrays([columns[name] for name in order], names=order)


def _holidays(places: Sequence[Place], first: int, n_days: int) -> tuple[list[str], NDArray[np.int32]]:
    """Names of holidays, and which of them is on each day at each place, (R, D); -1 = none."""
    numbers: dict[str, int] = {}
    holiday = np.full((len(places), n_days), -1, np.int32)
    first_on, last_on = EPOCH + timedelta(days=first), EPOCH + timedelta(days=first + n_days - 1)
    years = date(first_on.year, 1, 1), date(last_on.year, 12, 31)  # few spans, so that most places find theirs made
    for row, place in enumerate(places):
        listed: Mapping[date, str] = public_holidays(place.country_code, place.part_code, *years)
        for day, name in listed.items():
            if first_on <= day <= last_on:
                holiday[row, (day - first_on).days] = numbers.setdefault(name, len(numbers))
    return list(numbers), holiday


def _event_numbers(
    places: Sequence[Place], first: int, is_missing: NDArray[np.bool_], events: Sequence[Mark]
) -> NDArray[np.int32]:
    """Which of `events` marks each value, (R, D, C), a later one of the list before an earlier; -1 = none."""
    numbers = np.full(is_missing.shape, -1, np.int32)
    for number, mark in enumerate(events):
        here = [
            row
            for row, place in enumerate(places)
            if mark.country_code in {None, place.country_code} and mark.region_id in {None, place.region_id}
        ]
        days = np.arange(max(0, (mark.from_on - EPOCH).days - first), (mark.to_on - EPOCH).days - first + 1)
        which = np.ix_(here, days[days < is_missing.shape[1]], [CATEGORIES.index(name) for name in mark.categories])
        numbers[which] = np.where(is_missing[which] | (not mark.is_of_missing), number, numbers[which])
    return numbers


def _named(numbers: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """The texts that `numbers` mean; NULL for -1."""
    return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=numbers < 0), pa.array(names, pa.string()))
