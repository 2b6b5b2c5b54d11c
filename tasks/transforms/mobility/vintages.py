"""Several mobility reports made one: the latest vintage's row wins, revisions are measured, and the long table comes
out sorted.

Reports are given oldest first (`vintage_order` says what that is): the later in the list, the later the vintage. Rows
are region-days until the end; the long table has six rows for each of them, less those that a rule set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from expectations.contracts.mobility import CATEGORIES, MOBILITY
from tasks.transforms.mobility.calendar_means import published_means
from tasks.transforms.mobility.regions import Region, best_known

N_CATEGORIES = len(CATEGORIES)
REGION_DAYS_PER_BATCH = 131_072 // N_CATEGORIES  # so that a batch fills a row group of the lake
NATIONAL_SCHEMA = pa.schema(
    [MOBILITY.arrow_schema().field(name).remove_metadata() for name in ("country_code", "observed_on")]
    + [pa.field(name, pa.float64()) for name in CATEGORIES]
)
"""National days, the categories side by side: what the join with the policy needs."""
_MOST_REPORTS, _MOST_DAYS = 1 << 16, 1 << 20  # bits of the sort key; 2**20 days are 2,800 years


@dataclass(frozen=True)
class Report:
    """One file's kept rows (WIDE_SCHEMA), or those of some countries; regions and their ids by the rows' numbers."""

    vintage: str
    regions: Mapping[int, Region]
    region_ids: Mapping[int, str]
    rows: pa.Table


@dataclass(frozen=True)
class Superseded:
    """Rows of a report, for one country, that later reports replaced.

    `n_values` counts rows of the long table, `n_revised` those where the value is another (NULL is another than any
    number), `mean_revision_pct` is the mean absolute difference of the revised ones that both publish, NaN where there
    are none.
    """

    report: int
    country_code: str
    n_values: int
    n_revised: int
    mean_revision_pct: float


@dataclass(frozen=True)
class MergedReports:
    """Each region-day once, by region_id and day. `series` (n,) are places in `region_ids`; NaN = not published.

    `is_set_aside` (n, 6) marks values that are no row of the long table (and are NaN); None: there are none.
    """

    region_ids: tuple[str, ...]
    regions: tuple[Region, ...]
    vintages: tuple[str, ...]
    series: NDArray[np.int64]
    days: NDArray[np.int64]
    reports: NDArray[np.int64]
    values: NDArray[np.float64]
    superseded: tuple[Superseded, ...]
    is_set_aside: NDArray[np.bool_] | None = None

    @property
    def n_rows(self) -> int:
        """Rows of the long table."""
        n_set_aside = 0 if self.is_set_aside is None else int(self.is_set_aside.sum())
        return len(self.series) * N_CATEGORIES - n_set_aside

    @property
    def is_row(self) -> NDArray[np.bool_]:
        """Which values are rows of the long table; shape (n, 6)."""
        return np.ones(self.values.shape, np.bool_) if self.is_set_aside is None else ~self.is_set_aside


def merge_reports(reports: Sequence[Report]) -> MergedReports:
    """One row for each region and day: of several reports the last one's. Rows in = rows out + superseded.

    A report has a region-day once; ValueError otherwise (its reader sets repeated keys aside). The description of a
    region is the latest that each field was given, whatever report a row comes from.
    """
    if len(reports) > _MOST_REPORTS:
        raise ValueError(f"{len(reports)} reports at once, {_MOST_REPORTS} are the most")
    described: dict[str, list[Region]] = {}
    for report in reports:
        for number, region in sorted(report.regions.items()):
            described.setdefault(report.region_ids[number], []).append(region)
    region_ids = tuple(sorted(described))
    place_of = {one: place for place, one in enumerate(region_ids)}
    places = [{number: place_of[report.region_ids[number]] for number in report.regions} for report in reports]
    series, days, sources, values = _stacked(reports, places)
    first_day = int(days.min()) if len(days) else 0
    order = np.argsort(
        (series * _MOST_DAYS + (days - first_day)) * _MOST_REPORTS + (_MOST_REPORTS - 1 - sources), kind="stable"
    )
    series, days, sources, values = series[order], days[order], sources[order], values[order]
    is_same_key = np.zeros(len(series), np.bool_)
    is_same_key[1:] = (series[1:] == series[:-1]) & (days[1:] == days[:-1])
    if (is_same_key[1:] & (sources[1:] == sources[:-1])).any():
        raise ValueError("a report has a region twice on one day")
    regions_of = tuple(best_known(described[one]) for one in region_ids)
    superseded = _superseded(
        is_same_key, sources, values, np.array([region.country_code for region in regions_of])[series]
    )
    kept = ~is_same_key
    return MergedReports(
        region_ids,
        regions_of,
        tuple(report.vintage for report in reports),
        series[kept],
        days[kept],
        sources[kept],
        values[kept],
        superseded,
    )


def _stacked(
    reports: Sequence[Report], places: Sequence[Mapping[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All rows one after another: series, day, report, values (n, 6)."""
    n_rows = sum(report.rows.num_rows for report in reports)
    series, days, sources = (np.empty(n_rows, np.int64) for _ in range(3))
    values = np.empty((n_rows, N_CATEGORIES))
    start = 0
    for number, (report, place_of) in enumerate(zip(reports, places, strict=True)):
        end = start + report.rows.num_rows
        place = np.full(max(place_of, default=0) + 1, -1, np.int64)
        place[list(place_of)] = list(place_of.values())
        series[start:end] = place[report.rows["region_no"].to_numpy()]
        days[start:end] = report.rows["observed_on"].cast(pa.int32()).to_numpy()
        sources[start:end] = number
        for column, category in enumerate(CATEGORIES):
            values[start:end, column] = report.rows[category].to_numpy()
        start = end
    return series, days, sources, values


def _superseded(
    is_replaced: NDArray[np.bool_], sources: NDArray[np.int64], values: NDArray[np.float64], countries: NDArray[np.str_]
) -> tuple[Superseded, ...]:
    """What the rows that follow another row of their key amount to, by report and country."""
    replaced = np.flatnonzero(is_replaced)
    winner = np.maximum.accumulate(np.where(is_replaced, 0, np.arange(len(is_replaced))))[replaced]
    difference = np.abs(values[replaced] - values[winner])
    is_revised = ~((difference == 0) | (np.isnan(values[replaced]) & np.isnan(values[winner])))
    found = []
    for report, country in sorted(set(zip(sources[replaced].tolist(), countries[replaced].tolist(), strict=True))):
        here = (sources[replaced] == report) & (countries[replaced] == country)
        sizes = difference[here][is_revised[here]]
        sizes = sizes[~np.isnan(sizes)]
        mean = float(sizes.mean()) if len(sizes) else float("nan")
        found.append(Superseded(report, country, int(here.sum()) * N_CATEGORIES, int(is_revised[here].sum()), mean))
    return tuple(found)


def long_rows(merged: MergedReports) -> Iterator[pa.RecordBatch]:
    """The long table by its key, without the rows that a rule set aside."""
    if merged.is_set_aside is None:
        yield from long_batches(merged)
        return
    is_row, start = merged.is_row[:, np.argsort(np.array(CATEGORIES))].ravel(), 0
    for batch in long_batches(merged):
        yield batch.filter(pa.array(is_row[start : start + batch.num_rows]))
        start += batch.num_rows


def long_batches(merged: MergedReports) -> Iterator[pa.RecordBatch]:
    """The long table by its key, in batches of whole regions; texts as dictionaries, columns as in MOBILITY."""
    by_name = np.argsort(np.array(CATEGORIES))
    categories = pa.array([CATEGORIES[place] for place in by_name])
    vintages = pa.array(merged.vintages, pa.string())
    for start, end in _whole_regions(merged.series, REGION_DAYS_PER_BATCH):
        series, days, values = merged.series[start:end], merged.days[start:end], merged.values[start:end]
        first = int(series[0])
        here = np.repeat((series - first).astype(np.int32), N_CATEGORIES)
        which = slice(first, int(series[-1]) + 1)
        region_ids, category = pa.array(merged.region_ids[which], pa.string()), np.arange(N_CATEGORIES, dtype=np.int32)
        vintage = np.repeat(merged.reports[start:end].astype(np.int32), N_CATEGORIES)
        centred, trailing = published_means(series, days, values)
        columns = {
            "region_id": pa.DictionaryArray.from_arrays(here, region_ids),
            "observed_on": pa.array(np.repeat(days.astype(np.int32), N_CATEGORIES), pa.int32()).cast(pa.date32()),
            "category": pa.DictionaryArray.from_arrays(np.tile(category, len(days)), categories),
            "change_pct": _published(values[:, by_name]),
            "change_pct_centred_13d": _published(centred[:, by_name]),
            "change_pct_trailing_7d": _published(trailing[:, by_name]),
            "vintage": pa.DictionaryArray.from_arrays(vintage, vintages),
        }
        for place, name in enumerate(Region._fields):
            columns[name] = _described(here, [region[place] for region in merged.regions[which]])
        names = [column.name for column in MOBILITY.columns]
        yield pa.RecordBatch.from_arrays([columns[name] for name in names], names=names)


def national_days(merged: MergedReports) -> pa.Table:
    """The rows of whole countries, in NATIONAL_SCHEMA, sorted by country and day."""
    is_national = np.array([region.names[1:] == (None, None, None) for region in merged.regions], np.bool_)[
        merged.series
    ]
    codes = np.array([region.country_code for region in merged.regions], np.str_)[merged.series[is_national]]
    columns = [
        pa.array(codes, pa.string()),
        pa.array(merged.days[is_national].astype(np.int32), pa.int32()).cast(pa.date32()),
    ]
    columns += [pa.array(merged.values[is_national, place], from_pandas=True) for place in range(N_CATEGORIES)]
    return pa.Table.from_arrays(columns, schema=NATIONAL_SCHEMA)


def _whole_regions(series: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Start and end of stretches of whole regions, of at most `most` rows where a region is not longer itself."""
    ends = np.append(np.flatnonzero(np.diff(series)) + 1, len(series)) if len(series) else np.empty(0, np.int64)
    start = 0
    for place, end in enumerate(ends.tolist()):
        is_last = place + 1 == len(ends)
        if is_last or ends[place + 1] - start > most:
            yield start, end
            start = end


def _described(places: NDArray[np.int32], texts: Sequence[str | None]) -> pa.Array:
    """A text column from each row's region; NULL where its text is None."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    if not len(encoded.dictionary):
        return pa.nulls(len(places), encoded.type)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)[places]
    mask = codes < 0 if encoded.null_count else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), encoded.dictionary)


def _published(values: NDArray[np.float64]) -> pa.Array:
    """Values row by row; NaN becomes NULL."""
    return pa.array(np.ascontiguousarray(values).ravel(), from_pandas=True)
