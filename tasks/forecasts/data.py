"""What forecasts are made of: published mobility and policy as a panel of regions, and forecasters that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.mobility import CATEGORIES
from tasks.forecasts.settings import ForecastSettings
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.learning.mobility_grid import mobility_grid, policy_on_grid
from tasks.learning.model_store import read_model

if TYPE_CHECKING:  # which load PyTorch and the calendars of holidays
    from models.forecasts.calibration import Calibration
    from models.forecasts.forecaster import Forecaster
    from models.forecasts.windows import Panel

SUBJECT = "mobility of all regions"
DAY_AFTER = 1  # a window looks at the day after the last that it forecasts, in case that one is a holiday


@dataclass(frozen=True)
class ForecastData:
    """The published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: ForecastSettings

    @property
    def inputs(self) -> tuple[str, ...]:
        """The digests of all that is read, in order."""
        return (*sorted(ref.sha256 for ref in self.mobility), *sorted(ref.sha256 for ref in self.policy))


def read_panel(lake: Lake, data: ForecastData) -> tuple[Panel | None, int]:
    """All regions with at least `min_days` published days, None where there is none; and how many regions there are."""
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


def too_short(settings: ForecastSettings) -> str:
    """What is true of a region that takes no part."""
    return f"fewer_than_{settings.min_days}_days"


def read_forecaster(lake: Lake, model_id: str) -> tuple[Forecaster, Calibration, np.ndarray]:
    """A kept forecaster, the calibration of its intervals, and its skill by horizon and category (H, C), NaN = not
    measured.

    KeyError, TypeError, ValueError or RuntimeError where it is of another form; FileNotFoundError, LakeError.
    """
    from models.forecasts.calibration import Calibration  # noqa: PLC0415
    from models.forecasts.forecaster import Forecaster  # noqa: PLC0415

    tensors, card = read_model(lake, model_id)
    calibration = Calibration(tensors.pop("calibration.factors"), tensors.pop("calibration.n_values"))
    skill = tensors.pop("skill")
    return Forecaster.from_card(card["notes"]["forecaster"], tensors), calibration, skill


def _parts(lake: Lake, data: ForecastData) -> dict[str, str | None]:
    """The ISO 3166-2 code of every published region: its own, or that of the part of the country in which it lies."""
    rows = read_table(lake, data.mobility, ["region_id", "iso_3166_2_code"])
    codes = rows.group_by("region_id").aggregate([("iso_3166_2_code", "max")])
    names = pc.cast(codes["iso_3166_2_code_max"], pa.string()).to_pylist()
    own = dict(zip(codes["region_id"].to_pylist(), names, strict=True))
    return {region: code or own.get("/".join(region.split("/")[:2])) for region, code in own.items()}
