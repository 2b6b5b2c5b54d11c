"""The flow `train_lstm`: forecasts of mobility, and labels of documents, on the published snapshot."""

from __future__ import annotations

from prefect import flow

from models.forecasts.settings import ForecastSettings
from tasks.forecasts.stage import (
    fit_lstm,
    forecast_works,
    judge_forecaster,
    judge_forecaster_works,
    lstm_works,
    show_forecasts,
    write_forecasts,
)
from tasks.labels.applying import prediction_works
from tasks.labels.settings import ClassificationSettings
from tasks.labels.stage import (
    classifier_works,
    fit_classifiers,
    judge_classifier,
    judge_classifier_works,
    predict_labels,
    show_classifiers,
)
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.learning.champions import show_champions, without_models
from tasks.running.artifacts import show_rows, show_scores
from tasks.running.engine import do_all
from tasks.running.places import home_folder
from tasks.running.runs import record_run

DEFAULTS, LABELS = ForecastSettings(), ClassificationSettings()


@flow(name="train_lstm")
def train_lstm(
    home: str | None = None,
    engine: str = "local",
    settings: ForecastSettings = DEFAULTS,
    labels: ClassificationSettings = LABELS,
) -> StageRecord:
    """Train the LSTM that forecasts mobility and the classifiers of labelled sources, and leave `forecasts`, `predictions`, models, scores."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_lstm"):
        forecasters = lstm_works(lake, settings)
        fitted = do_all(lake, forecasters, fit_lstm)
        chosen = do_all(lake, judge_forecaster_works(lake, forecasters, fitted, settings), judge_forecaster)
        written = do_all(lake, forecast_works(lake, forecasters, chosen), write_forecasts)
        works = classifier_works(lake, labels)
        trained = do_all(lake, works, fit_classifiers)
        judged = do_all(lake, judge_classifier_works(lake, works, trained), judge_classifier)
        predicted = do_all(lake, prediction_works(lake, judged, labels), predict_labels)
        show_rows("lstm", [*fitted, *chosen, *written, *trained, *judged, *predicted])
        show_scores(lake, "lstm", judged)
        show_champions(lake, "forecasts", chosen)
        show_champions(lake, "labels", judged)
        show_forecasts(lake, chosen)
        show_classifiers(lake, trained)
        return leave_stage(lake, "lstm", [*without_models([*fitted, *trained]), *chosen, *written, *judged, *predicted])
