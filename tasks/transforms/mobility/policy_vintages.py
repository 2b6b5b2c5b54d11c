"""Several files of the policy tracker made one: of each value the latest vintage's, the four indices side by side.

Files are given oldest first (`vintage_order` says what that is). Counted in values: a value is a jurisdiction, a day
and an index, published or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from expectations.contracts.mobility import CATEGORIES, INDEX_VINTAGES, INDICES, MOBILITY_POLICY, POLICY

_MOST_FILES, _MOST_DAYS = 1 << 12, 1 << 20


@dataclass(frozen=True)
class PolicyFile:
    """One file's rows: region_id, country_code, observed_on and the indices that it has."""

    vintage: str
    rows: pa.Table


@dataclass(frozen=True)
class SupersededPolicy:
    """Values of a file that later ones replaced; `n_revised` by others, `mean_revision` points apart (NaN: none)."""

    file: int
    n_values: int
    n_revised: int
    mean_revision: float


@dataclass(frozen=True)
class MergedPolicy:
    """The table `policy`, how many values went into it, and what was replaced."""

    rows: pa.Table
    n_values: int
    superseded: tuple[SupersededPolicy, ...]


def merge_policy(files: Sequence[PolicyFile]) -> MergedPolicy:
    """One row for each jurisdiction and day, sorted, with the vintage of each index, and the latest among these.

    A file has a jurisdiction and day once; ValueError otherwise. Values in = values out + superseded.
    """
    if not files:
        return MergedPolicy(POLICY.empty(), 0, ())
    if len(files) > _MOST_FILES:
        raise ValueError(f"{len(files)} files at once, {_MOST_FILES} are the most")
    keys = (
        pa.concat_tables([file.rows.select(["region_id", "country_code"]) for file in files])
        .group_by("region_id")
        .aggregate([("country_code", "min")])
    )
    region_ids = sorted(keys["region_id"].to_pylist())
    country_of = dict(zip(keys["region_id"].to_pylist(), keys["country_code_min"].to_pylist(), strict=True))
    series, days, sources, indices, values = _cells(files, region_ids)
    first_day = int(days.min()) if len(days) else 0
    row_keys = series * _MOST_DAYS + (days - first_day)
    order = np.lexsort((-sources, indices, row_keys))
    row_keys, sources, indices, values = row_keys[order], sources[order], indices[order], values[order]
    is_replaced = np.zeros(len(values), np.bool_)
    is_replaced[1:] = (row_keys[1:] == row_keys[:-1]) & (indices[1:] == indices[:-1])
    if (is_replaced[1:] & (sources[1:] == sources[:-1])).any():
        raise ValueError("a file has a jurisdiction twice on one day")
    superseded = _superseded(is_replaced, sources, values, len(files))
    kept = ~is_replaced
    rows, place = np.unique(row_keys[kept], return_inverse=True)
    table = np.full((len(rows), len(INDICES)), np.nan)
    table[place, indices[kept]] = values[kept]
    told_by = np.full(table.shape, -1, np.int64)  # the file of each value; -1: no file tells it
    told_by[place, indices[kept]] = sources[kept]
    vintages = pa.array([file.vintage for file in files], pa.string())
    places = pa.array(rows // _MOST_DAYS)
    columns = {
        "region_id": pa.array(region_ids, pa.string()).take(places),
        "observed_on": pa.array((rows % _MOST_DAYS + first_day).astype(np.int32), pa.int32()).cast(pa.date32()),
        "country_code": pa.array([country_of[one] for one in region_ids], pa.string()).take(places),
        **{name: pa.array(table[:, number], from_pandas=True) for number, name in enumerate(INDICES)},
        "vintage": vintages.take(pa.array(told_by.max(axis=1))),
        **{
            INDEX_VINTAGES[name]: vintages.take(pa.array(told_by[:, number], mask=told_by[:, number] < 0))
            for number, name in enumerate(INDICES)
        },
    }
    return MergedPolicy(pa.table(columns).cast(POLICY.arrow_schema()), int(kept.sum()), superseded)


def n_values_of(rows: pa.Table) -> int:
    """How many values (a jurisdiction, a day, an index, published or not) rows of `policy` hold."""
    return sum(rows.num_rows - rows[name].null_count for name in INDEX_VINTAGES.values())


def _cells(
    files: Sequence[PolicyFile], region_ids: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every value of every file: place in `region_ids`, day, file, index, value (NaN = not published)."""
    names = pa.array(region_ids, pa.string())
    parts = []
    for number, file in enumerate(files):
        series = pc.index_in(file.rows["region_id"], value_set=names).to_numpy().astype(np.int64)
        days = file.rows["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64)
        for place, index in enumerate(INDICES):
            if index in file.rows.column_names:
                same = np.full(len(days), 1, np.int64)
                parts.append((series, days, same * number, same * place, file.rows[index].to_numpy()))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))  # type: ignore[return-value]  # five


def _superseded(
    is_replaced: NDArray[np.bool_], sources: NDArray[np.int64], values: NDArray[np.float64], n_files: int
) -> tuple[SupersededPolicy, ...]:
    winner = np.maximum.accumulate(np.where(is_replaced, 0, np.arange(len(values))))
    difference = np.abs(values - values[winner])
    is_revised = is_replaced & ~((difference == 0) | (np.isnan(values) & np.isnan(values[winner])))
    found = []
    for file in range(n_files):
        here = is_replaced & (sources == file)
        sizes = difference[here & is_revised & ~np.isnan(difference)]
        if here.any():
            mean = float(sizes.mean()) if len(sizes) else float("nan")
            found.append(SupersededPolicy(file, int(here.sum()), int((here & is_revised).sum()), mean))
    return tuple(found)


def join_mobility_policy(national: pa.Table, policy: pa.Table) -> pa.Table:
    """The table `mobility_policy`: national days of mobility (NATIONAL_SCHEMA) and of `policy`, one row for every day
    that either has.

    One to one: ValueError where a country has a day twice on one side. Rows out = distinct country-days of both.
    """
    is_national = pc.equal(policy["region_id"], policy["country_code"])
    rules = policy.filter(is_national).select(["country_code", "observed_on", *INDICES])
    for name, side in (("mobility", national), ("policy", rules)):
        if side.group_by(["country_code", "observed_on"]).aggregate([]).num_rows != side.num_rows:
            raise ValueError(f"a country has a day twice in {name}")
    both = national.join(rules, ["country_code", "observed_on"], join_type="full outer")
    names = ["country_code", "observed_on", *CATEGORIES, *INDICES]
    joined = both.select(names).cast(MOBILITY_POLICY.arrow_schema())
    return joined.sort_by([(name, "ascending") for name in MOBILITY_POLICY.key])
