"""The flow `train_lstm`: forecasts of mobility, and labels of documents, on the published snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.forecasts.settings import ForecastSettings
from tasks.labels.settings import ClassificationSettings
from tasks.lake.stages import StageRecord
from tasks.running.stage_runs import run_stage

DEFAULTS, LABELS = ForecastSettings(), ClassificationSettings()


@flow(name="train_lstm")
def train_lstm(
    home: str | None = None,
    engine: str = "local",
    settings: ForecastSettings = DEFAULTS,
    labels: ClassificationSettings = LABELS,
) -> StageRecord:
    """Train the LSTM that forecasts mobility and the classifiers of labelled sources, and leave `forecasts`,
    `predictions`, models, scores.
    """
    return run_stage("lstm", home, settings={"forecasts": settings, "labels": labels})
