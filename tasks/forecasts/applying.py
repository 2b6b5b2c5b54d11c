"""The champion at work: forecasts from every region's last day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from expectations.contracts.forecasts import FORECASTS
from expectations.contracts.mobility import CATEGORIES
from models.settings import APPLYING, settings_of
from tasks.forecasts.data import SUBJECT, ForecastData, read_forecaster, read_panel, too_short
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import MODEL_FILES

if TYPE_CHECKING:  # which loads the calendars of holidays
    from models.forecasts.windows import Panel

NO_SKILL, QUIET = "no_skill_over_seasonal_naive", "not_published_lately"
LOWEST_PCT = -100.0  # a greater fall is impossible, and the network does not know that
VALUES = ("mean", "p10", "p50", "p90")


@dataclass(frozen=True)
class ForecastPart:
    """What is read: the data of today and the champion that forecasts from it."""

    data: ForecastData
    model_id: str


def applying_batches(
    lake: Lake, fit_lstm_batches: Sequence[Batch], judge_forecaster: Sequence[StepRecord]
) -> list[Batch]:
    """The one writing of `forecasts` with the model that won, from what the training read; none without a model."""
    batches = []
    for record in judge_forecaster:
        for row in champion_rows(lake, [record]):
            weights = sorted(ref.sha256 for ref in record.files_of(MODEL_FILES))
            data: ForecastData = fit_lstm_batches[0].payload
            part = ForecastPart(data, row["model_id"])
            batches.append(Batch(SUBJECT, (*weights, *data.inputs), part, settings_of(data.settings, APPLYING)))
    return batches


def apply(lake: Lake, part: ForecastPart) -> StepOutput:
    """Leave `forecasts` from each region's last day on. Rows are forecast days of a category of a region.

    Set aside are the rows of regions with too few days, those of a category that was not published lately, and those of
    a horizon and category at which the backtest found no skill over the seasonal naive forecast.
    """
    settings = part.data.settings
    forecaster, calibration, skill = read_forecaster(lake, part.model_id)
    panel, n_regions = read_panel(lake, part.data)
    n_in, short = n_regions * skill.size, too_short(settings)
    if panel is None:
        return StepOutput((write_table(lake, "forecasts", FORECASTS.empty()),), n_in, 0, {short: n_in} if n_in else {})
    origins = np.cumsum(panel.grid.lengths) - 1  # the place of each region's last day
    forecasts = calibration.apply(forecaster.forecast_with_newest(panel, origins))
    is_recent = _is_recent(panel, origins, settings.recent_days)[:, None, :] & np.isfinite(forecasts).all(axis=-1)
    is_kept = is_recent & (skill > 0)
    counts = {short: n_in - is_recent.size, QUIET: int((~is_recent).sum()), NO_SKILL: int((is_recent & ~is_kept).sum())}
    rows = _rows(panel, origins, np.maximum(forecasts, LOWEST_PCT), is_kept, part.model_id)
    set_aside = {rule: n for rule, n in counts.items() if n}
    return StepOutput((write_table(lake, "forecasts", rows),), n_in, rows.num_rows, set_aside)


def _is_recent(panel: Panel, origins: np.ndarray, n_days: int) -> np.ndarray:
    """Whether a category was published in the last `n_days` days before each origin, (n, C)."""
    from models.forecasts.windows import values_before  # noqa: PLC0415

    return np.asarray((~np.isnan(values_before(panel.grid, origins, n_days))).any(axis=1))


def _rows(panel: Panel, origins: np.ndarray, forecasts: np.ndarray, is_kept: np.ndarray, model_id: str) -> pa.Table:
    """Rows of `forecasts` for the forecasts (R, H, C, 4) where `is_kept`."""
    region, ahead, category = np.nonzero(is_kept)
    origin_on = panel.grid.day[origins][region]
    columns = {
        "model_id": pa.array([model_id] * len(region), pa.string()),
        "region_id": pa.array(panel.regions, pa.string()).take(pa.array(region)),
        "category": pa.array(CATEGORIES).take(pa.array(category)),
        "origin_on": pa.array(origin_on.astype("datetime64[D]")),
        "target_on": pa.array((origin_on + ahead + 1).astype("datetime64[D]")),
        "horizon_days": pa.array((ahead + 1).astype(np.int32)),
    }
    values = forecasts[region, ahead, category]
    return pa.table(columns | {f"change_pct_{name}": pa.array(values[:, n]) for n, name in enumerate(VALUES)})
