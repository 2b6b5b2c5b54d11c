"""What forecasts are made of: published mobility and policy as a panel of regions with their holidays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.mobility import CATEGORIES
from models.forecasts.settings import ForecastSettings
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.learning.mobility_grid import mobility_grid, policy_on_grid

if TYPE_CHECKING:  # which loads the calendars of holidays
    from models.forecasts.windows import Panel

DAY_AFTER = 1  # a window looks at the day after the last that it forecasts, in case that one is a holiday


@dataclass(frozen=True)
class ForecastData:
    """What the steps of forecasts read: the published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: ForecastSettings

    @property
    def inputs(self) -> tuple[str, ...]:
        """The digests of all that is read, in order."""
        return tuple(sorted(ref.sha256 for ref in self.mobility)) + tuple(sorted(ref.sha256 for ref in self.policy))


def read_panel(lake: Lake, data: ForecastData) -> tuple[Panel | None, int]:
    """All regions with at least `min_days` published days, and how many regions there are in all; None where none is long enough."""
    from models.forecasts.windows import Panel  # noqa: PLC0415
    from models.series.holiday_calendar import holiday_calendar  # noqa: PLC0415

    settings = data.settings
    grid, regions, _ = mobility_grid(lake, data.mobility, CATEGORIES, settings.min_days)
    parts = _parts(lake, data)
    if grid is None:
        return None, len(parts)
    ids = tuple(regions.to_pylist())
    first, last = int(grid.day.min()) - settings.past_days, int(grid.day.max()) + settings.horizon_days + DAY_AFTER
    calendar = holiday_calendar([(region.split("/")[0], parts[region]) for region in ids], first, last)
    return Panel(grid, policy_on_grid(lake, data.policy, grid, regions), calendar, ids), len(parts)


def last_places(panel: Panel) -> np.ndarray:
    """The place in the grid of each region's last day, (R,)."""
    return np.cumsum(panel.grid.lengths) - 1


def _parts(lake: Lake, data: ForecastData) -> dict[str, str | None]:
    """The ISO 3166-2 code of every published region: its own, or that of the part of the country in which it lies."""
    rows = read_table(lake, data.mobility, ["region_id", "iso_3166_2_code"])
    codes = (
        pa.table({"region_id": rows["region_id"], "code": rows["iso_3166_2_code"]})
        .group_by("region_id")
        .aggregate([("code", "max")])
    )
    own = dict(zip(codes["region_id"].to_pylist(), pc.cast(codes["code_max"], pa.string()).to_pylist(), strict=True))
    return {region: code or own.get("/".join(region.split("/")[:2])) for region, code in own.items()}
