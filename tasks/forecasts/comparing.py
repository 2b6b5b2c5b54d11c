"""A new forecaster beside the champion, on the same past days; and the forecasts of the winner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from expectations.contracts.forecasts import FORECASTS
from expectations.contracts.mobility import CATEGORIES
from tasks.forecasts.data import ForecastData, last_places, read_panel
from tasks.lake.files import write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import StepOutput
from tasks.learning.champions import Comparison, Contest, NotComparableError, judge
from tasks.learning.model_store import read_model

if TYPE_CHECKING:  # which load PyTorch
    from models.forecasts.calibration import Calibration
    from models.forecasts.forecaster import Forecaster
    from models.forecasts.windows import Panel

JUDGING_MODULES = (
    "models.forecasts.forecaster",
    "models.forecasts.backtest",
    "models.series.holiday_calendar",
    "tasks.learning.mobility_grid",
)
WRITING_MODULES = (
    "models.forecasts.forecaster",
    "models.forecasts.calibration",
    "models.series.holiday_calendar",
    "tasks.learning.mobility_grid",
)
NO_SKILL, QUIET = "no_skill_over_seasonal_naive", "not_published_lately"
LOWEST_PCT = -100.0  # a greater fall is impossible, and the network does not know that


@dataclass(frozen=True)
class ForecastPart:
    """What `write_forecasts` reads: the data of today and the champion that forecasts from it."""

    data: ForecastData
    model_id: str


def judge_forecaster_body(lake: Lake, contest: Contest) -> StepOutput:
    """Publish the new model, or keep the champion, as `tasks.learning.champions` says."""
    return judge(lake, contest, compare_forecasters)


def compare_forecasters(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Skill of both over the seasonal naive forecast by category, mean over the horizons, on the same past days of today's data.

    Each forecasts from a day with weights that end on or before it. NotComparableError where the champion is of another form or horizon.
    """
    from models.forecasts.backtest import backtest_days, n_calibrating, run_backtest, score_medians  # noqa: PLC0415

    data: ForecastData = contest.payload
    try:
        new, champion = (read_forecaster(lake, model_id)[0] for model_id in (new_id, present_id))
    except (KeyError, TypeError, ValueError, RuntimeError, FileNotFoundError, LakeError) as error:
        raise NotComparableError(f"the champion {present_id} is of a form that this code does not know") from error
    panel, _ = read_panel(lake, data)
    if panel is None or new.shape.horizon != champion.shape.horizon or champion.shape.n_categories != len(CATEGORIES):
        raise NotComparableError(f"the champion {present_id} forecasts other days")
    days = backtest_days(panel.grid, data.settings)
    earliest = max(one.dated[0].last_day for one in (new, champion))
    scored = [day for day in days[n_calibrating(len(days), data.settings) :] if day >= earliest]
    if not scored:
        raise NotComparableError(f"the champion {present_id} has no weights that end before the days to compare on")
    skills = [
        score_medians(run_backtest(one, panel, scored, data.settings), panel, data.settings).mean(axis=0)
        for one in (new, champion)
    ]
    return [
        Comparison("skill", category, float(new_skill), float(skill))
        for category, new_skill, skill in zip(CATEGORIES, *skills, strict=True)
    ]


def write_forecasts_body(lake: Lake, part: ForecastPart) -> StepOutput:
    """The `forecasts` of the champion from each region's last day on. Rows are forecast days of a category of a region.

    Set aside are the rows of regions with too few days, those of a category that was not published lately, and those of a horizon and
    category at which the backtest found no skill over the seasonal naive forecast.
    """
    data = part.data
    forecaster, calibration, skill = read_forecaster(lake, part.model_id)
    panel, n_regions = read_panel(lake, data)
    n_in = n_regions * skill.size
    short = f"fewer_than_{data.settings.min_days}_days"
    if panel is None:
        return StepOutput((write_table(lake, "forecasts", FORECASTS.empty()),), n_in, 0, {short: n_in} if n_in else {})
    origins = last_places(panel)
    said = calibration.apply(forecaster.forecast_with_newest(panel, origins))
    is_recent = _is_recent(panel, origins, data.settings.recent_days)[:, None, :] & np.isfinite(said).all(axis=-1)
    is_said = is_recent & (skill > 0)
    counts = {short: n_in - is_recent.size, QUIET: int((~is_recent).sum()), NO_SKILL: int((is_recent & ~is_said).sum())}
    rows = _rows(panel, origins, np.maximum(said, LOWEST_PCT), is_said, part.model_id)
    set_aside = {rule: n for rule, n in counts.items() if n}
    return StepOutput((write_table(lake, "forecasts", rows),), n_in, rows.num_rows, set_aside)


def read_forecaster(lake: Lake, model_id: str) -> tuple[Forecaster, Calibration, np.ndarray]:
    """A kept forecaster, the calibration of its intervals, and its skill by horizon and category (H, C), NaN = not measured.

    KeyError, TypeError, ValueError or RuntimeError where it is of another form; FileNotFoundError, LakeError.
    """
    from models.forecasts.calibration import Calibration  # noqa: PLC0415
    from models.forecasts.forecaster import Forecaster  # noqa: PLC0415

    tensors, card = read_model(lake, model_id)
    calibration = Calibration(tensors.pop("calibration.factors"), tensors.pop("calibration.n_values"))
    skill = tensors.pop("skill")
    return Forecaster.from_card(card["notes"]["forecaster"], tensors), calibration, skill


def _is_recent(panel: Panel, origins: np.ndarray, n_days: int) -> np.ndarray:
    """Whether a category was published in the last `n_days` days before each origin, (n, C)."""
    from models.forecasts.windows import values_before  # noqa: PLC0415

    return np.asarray((~np.isnan(values_before(panel.grid, origins, n_days))).any(axis=1))


def _rows(panel: Panel, origins: np.ndarray, said: np.ndarray, is_said: np.ndarray, model_id: str) -> pa.Table:
    """Rows of `forecasts` for the forecasts `said` (R, H, C, 4) where `is_said`."""
    region, ahead, category = np.nonzero(is_said)
    origin_on = panel.grid.day[origins][region]
    values = said[region, ahead, category]
    return pa.table(
        {
            "model_id": pa.array([model_id] * len(region), pa.string()),
            "region_id": pa.array(panel.regions, pa.string()).take(pa.array(region)),
            "category": pa.array(CATEGORIES).take(pa.array(category)),
            "origin_on": pa.array(origin_on.astype("datetime64[D]")),
            "target_on": pa.array((origin_on + ahead + 1).astype("datetime64[D]")),
            "horizon_days": pa.array((ahead + 1).astype(np.int32)),
            **{
                f"change_pct_{name}": pa.array(values[:, place])
                for place, name in enumerate(("mean", "p10", "p50", "p90"))
            },
        }
    )
