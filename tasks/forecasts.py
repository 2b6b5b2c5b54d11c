"""The stage `lstm`: forecasts of mobility from the published snapshot, one model over all regions and categories."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from expectations.contracts import CATEGORIES
from models.daily_grid import DailyGrid
from models.forecast_scores import score_by_horizon, skill
from models.forecast_settings import ForecastSettings
from models.forecast_windows import future_values, seasonal_naive, window_places
from tasks.decisions import write_skip
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.steps import PlannedWork, Step, StepOutput, StepRecord, Work, do, settings_of, why_due
from tasks.mobility_grid import mobility_grid, policy_on_grid
from tasks.model_store import Score, TrainedModel, write_model

if TYPE_CHECKING:  # PyTorch is loaded by the body alone: planning a run never pays its seconds
    from models.lstm_forecaster import Forecaster

MODULES = ("models.lstm_forecaster", "models.forecast_scores", "tasks.mobility_grid")
SUBJECT = "mobility of all regions"
RECENT_DAYS = 14  # our choice: a category not published for two weeks before the origin is not forecast


@dataclass(frozen=True)
class ForecastData:
    """What a training reads: the published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: ForecastSettings


def lstm_works(lake: Lake, settings: ForecastSettings | None = None) -> list[Work]:
    """The one training of the stage on the present snapshot; none where nothing is published yet."""
    settings = settings or ForecastSettings()
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    data = ForecastData(manifest.tables["mobility"], manifest.tables["policy"], manifest.snapshot_id, settings)
    inputs = tuple(sorted(ref.sha256 for ref in data.mobility)) + tuple(sorted(ref.sha256 for ref in data.policy))
    return [Work(_step(settings), SUBJECT, inputs, data)]


def plan_lstm(lake: Lake, settings: ForecastSettings | None = None) -> list[PlannedWork]:
    """What `train_lstm` would do on the present snapshot, and why."""
    reasons = [(work, why_due(lake, work)) for work in lstm_works(lake, settings)]
    return [PlannedWork("lstm", work.step.name, work.subject, reason) for work, reason in reasons if reason is not None]


@task(task_run_name="fit_lstm {work.subject}", timeout_seconds=3600)
def fit_lstm(home: str, work: Work) -> StepRecord:
    """The record of a training."""
    return do(Lake(Path(home)), work, fit_lstm_body)


def fit_lstm_body(lake: Lake, data: ForecastData) -> StepOutput:
    """Train the forecaster and leave `forecasts`, the model and its scores. Rows are series: a category of a region.

    A series without a value in its region's last `RECENT_DAYS` days is set aside, and so are all series of regions with fewer than
    `min_days` days. Where there is nothing to learn from, nothing is trained, and the ledger says so.
    """
    from models.lstm_forecaster import one_thread, train_forecaster  # noqa: PLC0415

    began = time.perf_counter()
    settings = data.settings
    grid, regions, _ = mobility_grid(lake, data.mobility, CATEGORIES, settings.min_days)
    short = f"fewer_than_{settings.min_days}_days"
    n_regions_in = pc.count_distinct(read_table(lake, data.mobility, ["region_id"])["region_id"]).as_py()
    n_in = n_regions_in * len(CATEGORIES)
    if grid is None:
        rule = short if n_in else "no_mobility_published"
        return StepOutput((write_skip(lake, _step(settings), SUBJECT, rule),), n_in, 0, {rule: n_in} if n_in else {})
    set_aside = {short: n_short} if (n_short := n_in - len(regions) * len(CATEGORIES)) else {}
    index = policy_on_grid(lake, data.policy, grid, regions)
    try:
        with one_thread():
            forecaster = train_forecaster(grid, index, settings)
    except ValueError:
        return StepOutput(
            (write_skip(lake, _step(settings), SUBJECT, "no_window_to_learn_from"),),
            n_in,
            0,
            {**set_aside, "no_window_to_learn_from": n_in - n_short},
        )
    scores = _scores(forecaster, grid, index)
    model = _trained(forecaster, grid, data, scores, time.perf_counter() - began)
    forecasts, n_series = _forecasts(forecaster, grid, index, regions, model.model_id)
    if n_quiet := len(regions) * len(CATEGORIES) - n_series:
        set_aside["not_published_lately"] = n_quiet
    files = (write_table(lake, "forecasts", forecasts), *write_model(lake, model))
    return StepOutput(files, n_in, n_series, set_aside)


def _step(settings: ForecastSettings) -> Step:
    return Step("fit_lstm", MODULES, settings_of(settings))


def _scores(forecaster: Forecaster, grid: DailyGrid, index: np.ndarray) -> list[Score]:
    """Errors beside the seasonal naive forecast on the held-out weeks, by horizon and over all; coverage of the 80 % interval."""
    from models.lstm_forecaster import held_out_origins  # noqa: PLC0415

    horizon = forecaster.settings.horizon_days
    origins = held_out_origins(grid, forecaster.settings)
    if not len(origins):
        return []
    naive = seasonal_naive(grid, origins, horizon)
    by_horizon = score_by_horizon(future_values(grid, origins, horizon), forecaster.forecast(grid, index, origins), naive)
    scores = []
    for ahead in range(horizon):
        if by_horizon.n_days[ahead]:
            name = f"horizon_{ahead + 1:02d}_days"
            mae, naive_mae = float(by_horizon.mae[ahead]), float(by_horizon.naive_mae[ahead])
            scores += [
                Score(f"mae_pct_{name}", "held_out_weeks", mae, "seasonal_naive", naive_mae),
                Score(f"coverage_{name}", "held_out_weeks", float(by_horizon.coverage[ahead])),
            ]
    if scores:
        mae, naive_mae = (float(np.average(e, weights=by_horizon.n_days)) for e in (by_horizon.mae, by_horizon.naive_mae))
        coverage = float(np.average(by_horizon.coverage, weights=by_horizon.n_days))
        scores += [
            Score("mae_pct", "held_out_weeks", mae, "seasonal_naive", naive_mae),
            Score("skill", "held_out_weeks", skill(mae, naive_mae), "seasonal_naive", 0.0),
            Score("coverage_80_pct_interval", "held_out_weeks", coverage),
        ]
    return [score for score in scores if np.isfinite(score.value)]


def _forecasts(forecaster: Forecaster, grid: DailyGrid, index: np.ndarray, regions: pa.Array, model_id: str) -> tuple[pa.Table, int]:
    """Rows of `forecasts` from each region's last day on, and the number of series that have any."""
    origins = np.cumsum(grid.lengths) - 1
    recent = window_places(grid, origins, 1 - RECENT_DAYS, 0)
    is_recent = (~np.isnan(grid.values[np.maximum(recent, 0)]) & (recent >= 0)[..., None]).any(axis=1)
    # A fall below -100 % is impossible, and the network does not know that.
    said = np.maximum(forecaster.forecast(grid, index, origins), -100.0)
    is_said = is_recent[:, None, :] & np.isfinite(said).all(axis=-1)
    region, ahead, category = np.nonzero(is_said)
    origin_on = grid.day[origins][region]
    values = said[region, ahead, category]
    table = pa.table(
        {
            "model_id": pa.array([model_id] * len(region), pa.string()),
            "region_id": regions.take(pa.array(region)),
            "category": pa.array(CATEGORIES).take(pa.array(category)),
            "origin_on": pa.array(origin_on.astype("datetime64[D]")),
            "target_on": pa.array((origin_on + ahead + 1).astype("datetime64[D]")),
            "horizon_days": pa.array((ahead + 1).astype(np.int32)),
            "change_pct_mean": pa.array(values[:, 0]),
            "change_pct_p10": pa.array(values[:, 1]),
            "change_pct_p90": pa.array(values[:, 2]),
        }
    )
    return table, int(is_said.any(axis=1).sum())


def _trained(forecaster: Forecaster, grid: DailyGrid, data: ForecastData, scores: list[Score], seconds: float) -> TrainedModel:
    tensors = {name: tensor.numpy() for name, tensor in forecaster.network.state_dict().items()}
    tensors |= {"scaling.mean": forecaster.scaling.mean, "scaling.std": forecaster.scaling.std}
    notes = {
        "losses": list(forecaster.losses), "categories": list(CATEGORIES), "n_regions": len(grid.lengths),
        "n_days": int(grid.is_observed.sum()), "seconds": round(seconds, 3),
    }  # fmt: skip
    inputs = tuple(sorted(ref.sha256 for ref in (*data.mobility, *data.policy)))
    return TrainedModel(
        "lstm_forecast", None, data.settings.seed, settings_of(data.settings), data.snapshot_id, inputs, tensors, scores, notes
    )
