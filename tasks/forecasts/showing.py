"""What the UI shows of the champion of forecasts: how it learned, and where it beats the seasonal naive forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expectations.contracts.mobility import CATEGORIES
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import read_model
from tasks.learning.showing import show_champions, show_scores
from tasks.running.artifacts import show_table


def show(lake: Lake, judge_forecaster: Sequence[StepRecord]) -> None:
    """Show the verdict and the scores, the losses by epoch, and the skill by horizon and category."""
    show_champions(lake, "forecasts", judge_forecaster)
    show_scores(lake, "forecasts", judge_forecaster)
    for record in judge_forecaster:
        for row in champion_rows(lake, [record]):
            notes = read_model(lake, row["model_id"])[1]["notes"]
            words = "Mean loss by epoch, and the last day that each training knew"
            show_table("forecast-losses", loss_rows(notes), words)
            scores = read_table(lake, record.files_of("scores")).to_pylist()
            words = "1 less mean absolute error over that of the seasonal naive forecast, backtest"
            show_table("forecast-skill", skill_rows(scores), words)


def loss_rows(notes: dict[str, Any]) -> list[dict[str, Any]]:
    """A row an epoch: up to which day (since 1970-01-01) the weights were trained, and the mean loss."""
    return [
        {"trained up to day": dated["last_day"], "epoch": epoch, "loss": loss}
        for dated in notes["forecaster"]["dated"]
        for epoch, loss in enumerate(dated["losses"])
    ]


def skill_rows(scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a horizon: the skill of each category, None where it was not measured."""
    start = "skill_horizon_"
    by_key = {(one["metric"], one["split"]): one["value"] for one in scores}
    horizons = sorted({metric for metric, split in by_key if metric.startswith(start) and split != "backtest"})
    return [
        {"horizon": metric.removeprefix(start).replace("_", " ")}
        | {category: by_key.get((metric, f"backtest_{category}")) for category in CATEGORIES}
        for metric in horizons
    ]
