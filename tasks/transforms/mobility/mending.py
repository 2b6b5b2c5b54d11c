"""What happens to merged mobility before anything is derived from it: values corrected, rows set aside.

Both leave the merged reports that they are given as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from expectations.contracts.mobility import CATEGORIES
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.vintages import N_CATEGORIES, MergedReports
from tasks.transforms.records.corrections import Corrected, Correction, apply_correction

_MOST_DAYS = 1 << 20  # 2**20 days are 2,800 years


def corrected(merged: MergedReports, correction: Correction) -> tuple[MergedReports, Corrected]:
    """`merged` with a correction of `change_pct` in it, and what it found; its rows are those of the correction's
    country.
    """
    countries = np.array([one.country_code for one in merged.regions], np.str_)
    places = np.flatnonzero(countries[merged.series] == correction.country_code)
    applied = apply_correction(correction, _long(merged, places))
    values = merged.values.copy()
    values[places] = applied.rows["change_pct"].to_numpy().reshape(-1, N_CATEGORIES)
    return replace(merged, values=values), applied


def _long(merged: MergedReports, places: NDArray[np.int64]) -> pa.Table:
    """The long rows of some region-days, without means, the categories in their own order."""
    series = pa.array(np.repeat(merged.series[places], N_CATEGORIES))
    columns = {
        "region_id": pa.array(merged.region_ids, pa.string()).take(series),
        "observed_on": pa.array(np.repeat(merged.days[places].astype(np.int32), N_CATEGORIES)).cast(pa.date32()),
        "category": pa.array(np.tile(np.array(CATEGORIES), len(places)), pa.string()),
        "change_pct": pa.array(merged.values[places].ravel(), from_pandas=True),
        "vintage": pa.array(merged.vintages, pa.string()).take(
            pa.array(np.repeat(merged.reports[places], N_CATEGORIES))
        ),
    }
    for number, name in enumerate(Region._fields):
        columns[name] = pa.array([region[number] for region in merged.regions], pa.string()).take(series)
    return pa.table(columns)


def without(merged: MergedReports, keys: pa.Table) -> MergedReports:
    """`merged` without the rows that `keys` name (region_id, observed_on, category); other keys are passed over.

    What is set aside is in no mean and in nothing else that is derived: a region-day of which nothing is left is gone.
    """
    places, categories, _ = find_rows(merged, keys)
    is_set_aside = ~merged.is_row
    is_set_aside[places, categories] = True
    kept = ~is_set_aside.all(axis=1)
    return replace(
        merged,
        series=merged.series[kept],
        days=merged.days[kept],
        reports=merged.reports[kept],
        values=np.where(is_set_aside, np.nan, merged.values)[kept],
        is_set_aside=is_set_aside[kept] if is_set_aside[kept].any() else None,
    )


def find_rows(merged: MergedReports, keys: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the rows that `keys` name stand in `merged`: region-day, category, and which of `keys` it is; keys that are
    not there are left out.
    """
    series = pc.index_in(keys["region_id"], value_set=pa.array(merged.region_ids, pa.string()))
    categories = pc.index_in(keys["category"], value_set=pa.array(CATEGORIES))
    series_of, category_of = (pc.fill_null(found, -1).to_numpy().astype(np.int64) for found in (series, categories))
    here = merged.series * _MOST_DAYS + merged.days
    there = series_of * _MOST_DAYS + keys["observed_on"].cast(pa.int32()).to_numpy()
    place = np.searchsorted(here, there)
    is_inside = (place < len(here)) & (series_of >= 0) & (category_of >= 0)
    which = np.flatnonzero(is_inside)
    which = which[here[place[which]] == there[which]]
    return place[which], category_of[which], which
