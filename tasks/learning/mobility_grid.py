"""Published mobility and policy as the arrays that the learners take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.series.daily_grid import DailyGrid, daily_grid
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake


def mobility_grid(
    lake: Lake, files: Sequence[FileRef], categories: tuple[str, ...], min_days: int
) -> tuple[DailyGrid | None, pa.Array, int]:
    """The grid of all regions with at least `min_days` days on which any of `categories` was published, its columns in
    their order; the ids of its regions, in the order of its numbers; and how many region-days of other regions were
    left out.

    The grid is None where no region is left.
    """
    rows = read_table(lake, files, ["region_id", "observed_on", "category", "change_pct"])
    rows = rows.filter(pc.and_(pc.is_in(rows["category"], pa.array(categories)), pc.is_valid(rows["change_pct"])))
    days = (
        rows.group_by(["region_id", "observed_on"])
        .aggregate([])
        .group_by("region_id")
        .aggregate([("observed_on", "count")])
    )
    is_long = pc.greater_equal(days["observed_on_count"], min_days)
    regions = days["region_id"].filter(is_long).combine_chunks().sort()
    n_left_out = pc.sum(days["observed_on_count"].filter(pc.invert(is_long))).as_py() or 0
    rows = rows.filter(pc.is_in(rows["region_id"], regions))
    if not rows.num_rows:
        return None, regions, n_left_out
    number = pc.index_in(rows["region_id"], regions).to_numpy()
    column = pc.index_in(rows["category"], pa.array(categories)).to_numpy()
    return daily_grid(number, _days(rows), column, rows["change_pct"].to_numpy(), len(categories)), regions, n_left_out


def policy_on_grid(lake: Lake, files: Sequence[FileRef], grid: DailyGrid, regions: pa.Array) -> np.ndarray:
    """The containment and health index of each region on each day of `grid`, (T,); a part of a country without an index
    of its own has its country's; NaN where neither has one.
    """
    rows = read_table(lake, files, ["region_id", "observed_on", "containment_health_index"])
    countries = pc.list_element(pc.split_pattern(regions, "/", max_splits=1), 0)
    index = _spread(rows, grid, countries)
    own = _spread(rows, grid, regions)
    return np.where(np.isnan(own), index, own)


def _spread(rows: pa.Table, grid: DailyGrid, ids: pa.Array) -> np.ndarray:
    """The index by day of the grid, where `ids` says for each region of the grid whose rows it takes."""
    index = np.full(len(grid.day), np.nan)
    first, last = int(grid.day.min()), int(grid.day.max())
    known = pc.unique(ids)
    number = pc.index_in(rows["region_id"], known)
    rows = rows.append_column("number", number).filter(pc.is_valid(number))
    by_day = np.full((len(known), last - first + 1), np.nan)
    day = _days(rows)
    is_inside = (day >= first) & (day <= last)
    by_day[rows["number"].to_numpy()[is_inside], day[is_inside] - first] = rows["containment_health_index"].to_numpy()[
        is_inside
    ]
    index[:] = by_day[pc.index_in(ids, known).to_numpy()[grid.region], grid.day - first]
    return index


def _days(rows: pa.Table) -> np.ndarray:
    return rows["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64)
