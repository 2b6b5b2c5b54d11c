"""The tables `mobility_revisions` and `policy_revisions`: every value as each vintage gave it, nothing chosen.

A vintage's rows depend on no other vintage, so that a new fetch adds its own rows and touches no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from expectations.contracts.mobility import CATEGORIES, INDICES, MOBILITY_REVISIONS, POLICY_REVISIONS
from tasks.transforms.mobility.vintage_order import PlacedVintage
from tasks.transforms.mobility.vintages import N_CATEGORIES, REGION_DAYS_PER_BATCH, MergedReports


def mobility_revisions(merged: MergedReports, placed: Sequence[PlacedVintage]) -> Iterator[pa.RecordBatch]:
    """Rows of `mobility_revisions` by their key: `merged` is one vintage, `placed` are the places of its reports."""
    by_name = np.argsort(np.array(CATEGORIES))
    categories = pa.array([CATEGORIES[place] for place in by_name])
    of_reports = _columns_of(placed)
    codes = [region.country_code for region in merged.regions]
    names = [column.name for column in MOBILITY_REVISIONS.columns]
    for start in range(0, len(merged.series), REGION_DAYS_PER_BATCH):
        here = slice(start, start + REGION_DAYS_PER_BATCH)
        series, days = merged.series[here], np.repeat(merged.days[here].astype(np.int32), N_CATEGORIES)
        first, last = int(series[0]), int(series[-1])
        region = pa.array(np.repeat((series - first).astype(np.int32), N_CATEGORIES))
        report = pa.array(np.repeat(merged.reports[here].astype(np.int32), N_CATEGORIES))
        category = np.tile(np.arange(N_CATEGORIES, dtype=np.int32), len(series))
        values = np.ascontiguousarray(merged.values[here][:, by_name]).ravel()
        columns = {
            "region_id": _dictionary(region, pa.array(merged.region_ids[first : last + 1], pa.string())),
            "observed_on": pa.array(days).cast(pa.date32()),
            "category": _dictionary(pa.array(category), categories),
            "country_code": _dictionary(region, pa.array(codes[first : last + 1], pa.string())),
            "change_pct": pa.array(values, from_pandas=True),
            **{name: column.take(report) for name, column in of_reports.items()},
        }
        yield pa.RecordBatch.from_arrays([columns[name] for name in names], names=names)


def policy_revisions(files: Sequence[tuple[PlacedVintage, pa.Table]]) -> pa.Table:
    """Rows of `policy_revisions`, of the files of one vintage, oldest first; of those that tell one value the last
    counts.
    """
    parts = []
    for place, (_, rows) in enumerate(files):
        for index in INDICES:
            if index in rows.column_names:
                part = rows.select(["region_id", "observed_on", "country_code"]).append_column("value", rows[index])
                part = part.append_column("policy_index", pa.array([index] * rows.num_rows, pa.string()))
                parts.append(part.append_column("file", pa.array([place] * rows.num_rows, pa.int32())))
    if not parts:
        return POLICY_REVISIONS.empty()
    table = pa.concat_tables(parts)
    table = table.sort_by([(name, "ascending") for name in ("region_id", "observed_on", "policy_index", "file")])
    table = table.filter(_is_last_of_key(table))
    for name, column in _columns_of([placed for placed, _ in files]).items():
        table = table.append_column(name, column.take(table["file"]))
    return table.select([column.name for column in POLICY_REVISIONS.columns]).cast(POLICY_REVISIONS.arrow_schema())


def _is_last_of_key(table: pa.Table) -> pa.Array:
    """Whether the next row of a sorted table has another key."""
    differs = np.zeros(max(table.num_rows - 1, 0), np.bool_)
    for name in ("region_id", "observed_on", "policy_index"):
        codes = table[name].combine_chunks().dictionary_encode().indices.to_numpy()
        differs |= codes[1:] != codes[:-1]
    return pa.array(np.append(differs, [True] * min(table.num_rows, 1)))


def _columns_of(placed: Sequence[PlacedVintage]) -> dict[str, pa.Array]:
    """What the tables say of a fetch, a value for each of `placed`."""
    return {
        "vintage": pa.array([one.vintage for one in placed], pa.string()),
        "vintage_on": pa.array([one.vintage_on for one in placed], pa.date32()),
        "fetched_on": pa.array([one.fetched_on for one in placed], pa.date32()),
        "source": pa.array([one.source for one in placed], pa.string()),
        "uri": pa.array([one.uri for one in placed], pa.string()),
        "nth_fetch": pa.array([one.nth_fetch for one in placed], pa.int64()),
    }


def _dictionary(codes: pa.Array, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(codes, texts)
