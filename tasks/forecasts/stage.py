"""Forecasts of mobility in the stage `lstm`: a forecaster is trained on the published snapshot, judged beside the published one, and the
winner forecasts from every region's last day.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import task

from expectations.contracts.mobility import CATEGORIES
from models.forecasts.settings import ForecastSettings
from tasks.forecasts.comparing import (
    JUDGING_MODULES,
    WRITING_MODULES,
    ForecastPart,
    judge_forecaster_body,
    write_forecasts_body,
)
from tasks.forecasts.data import ForecastData
from tasks.forecasts.training import SUBJECT, fit_lstm_body, training_step
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.steps import PlannedWork, Step, StepRecord, Work, do, find_records, plan_due, plan_hanging
from tasks.learning.champions import champion_rows, judge_works
from tasks.learning.model_store import MODEL_FILES, read_model
from tasks.running.artifacts import show_table

STAGE = "lstm"
JUDGE, WRITE = "judge_forecaster", "write_forecasts"
TIMEOUT_S = 3600


def lstm_works(lake: Lake, settings: ForecastSettings | None = None) -> list[Work]:
    """The one training of forecasts on the present snapshot; none where nothing is published yet."""
    settings = settings or ForecastSettings()
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    data = ForecastData(manifest.tables["mobility"], manifest.tables["policy"], manifest.snapshot_id, settings)
    return [Work(training_step(settings), SUBJECT, data.inputs, data)]


def judge_forecaster_works(
    lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord], settings: ForecastSettings
) -> list[Work]:
    """One judgement for the model that `trained`, the record of `works`, left; none where it left none."""
    return judge_works(lake, works, trained, JUDGE, JUDGING_MODULES, tolerance=settings.tolerance)


def forecast_works(lake: Lake, works: Sequence[Work], judged: Sequence[StepRecord]) -> list[Work]:
    """The writing of `forecasts` by the champion that the judgement left, from the data that the training of `works` read."""
    found = []
    for work, record, row in zip(works, judged, champion_rows(lake, judged), strict=bool(judged)):
        data: ForecastData = work.payload
        step = Step(
            WRITE, WRITING_MODULES, {"min_days": data.settings.min_days, "recent_days": data.settings.recent_days}
        )
        weights = sorted(ref.sha256 for ref in record.files_of(MODEL_FILES))
        found.append(Work(step, SUBJECT, (*weights, *data.inputs), ForecastPart(data, row["model_id"])))
    return found


def plan_lstm(lake: Lake, settings: ForecastSettings | None = None) -> list[PlannedWork]:
    """What `train_lstm` would do for forecasts on the present snapshot, and why."""
    settings = settings or ForecastSettings()
    works = lstm_works(lake, settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *plan_hanging(STAGE, works[0].step.name, JUDGE, WRITE)]
    judgements = judge_forecaster_works(lake, works, find_records(lake, works), settings)
    lines = plan_due(lake, STAGE, judgements)
    if lines:
        return [*lines, *plan_hanging(STAGE, JUDGE, WRITE)]
    return plan_due(lake, STAGE, forecast_works(lake, works, find_records(lake, judgements)))


@task(task_run_name="fit_lstm {work.subject}", timeout_seconds=TIMEOUT_S)
def fit_lstm(home: str, work: Work) -> StepRecord:
    """The record of a training."""
    return do(Lake(Path(home)), work, fit_lstm_body)


@task(task_run_name="judge_forecaster {work.subject}", timeout_seconds=TIMEOUT_S)
def judge_forecaster(home: str, work: Work) -> StepRecord:
    """The record of a judgement."""
    return do(Lake(Path(home)), work, judge_forecaster_body)


@task(task_run_name="write_forecasts {work.subject}", timeout_seconds=TIMEOUT_S)
def write_forecasts(home: str, work: Work) -> StepRecord:
    """The record of the champion's forecasts."""
    return do(Lake(Path(home)), work, write_forecasts_body)


def show_forecasts(lake: Lake, judged: Sequence[StepRecord]) -> None:
    """Show, of the published forecaster, the losses by epoch and the skill by horizon and category in the UI of the run that calls."""
    for record, row in zip(judged, champion_rows(lake, judged), strict=bool(judged)):
        card = read_model(lake, row["model_id"])[1]
        scores = [
            one for one in read_table(lake, record.files_of("scores")).to_pylist() if one["model_id"] == row["model_id"]
        ]
        show_table(
            "forecast-losses", loss_rows(card["notes"]), "Mean loss by epoch, and the last day that each training knew"
        )
        show_table(
            "forecast-skill",
            skill_rows(scores),
            "1 less mean absolute error over that of the seasonal naive forecast, backtest",
        )


def loss_rows(notes: dict[str, Any]) -> list[dict[str, Any]]:
    """A row an epoch: up to which day (since 1970-01-01) the weights were trained, and the mean loss."""
    return [
        {"trained up to day": dated["last_day"], "epoch": epoch, "loss": loss}
        for dated in notes["forecaster"]["dated"]
        for epoch, loss in enumerate(dated["losses"])
    ]


def skill_rows(scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a horizon: the skill of each category, None where it was not measured."""
    by_key = {(one["metric"], one["split"]): one["value"] for one in scores}
    horizons = sorted(
        {metric for metric, split in by_key if metric.startswith("skill_horizon_") and split != "backtest"}
    )
    return [
        {
            "horizon": metric.removeprefix("skill_horizon_").replace("_", " "),
            **{c: by_key.get((metric, f"backtest_{c}")) for c in CATEGORIES},
        }
        for metric in horizons
    ]
