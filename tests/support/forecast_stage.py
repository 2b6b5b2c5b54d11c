"""The forecasting part of the stage `lstm` as its flow runs it, with settings that make it a matter of a second."""

from models.forecasts.settings import ForecastSettings
from tasks.forecasts.comparing import judge_forecaster_body, write_forecasts_body
from tasks.forecasts.stage import forecast_works, judge_forecaster_works, lstm_works
from tasks.forecasts.training import fit_lstm_body
from tasks.lake.layout import Lake
from tasks.lake.stages import leave_stage
from tasks.lake.steps import do
from tasks.learning.champions import without_models

SETTINGS = ForecastSettings(
    horizon_days=14, past_days=28, min_days=60, origins=3, calibration_origins=2, days_between_origins=5, hidden_size=8, head_size=8,
    region_size=2, epochs=1, refit_epochs=1, windows_per_epoch=64, batch_size=32, smoothed_series=2, device="cpu",
)  # fmt: skip


def run_stage(lake: Lake, settings: ForecastSettings = SETTINGS):
    """What the flow does: train, judge, forecast, leave the stage; the records of each."""
    works = lstm_works(lake, settings)
    trained = [do(lake, work, fit_lstm_body) for work in works]
    judged = [do(lake, work, judge_forecaster_body) for work in judge_forecaster_works(lake, works, trained, settings)]
    written = [do(lake, work, write_forecasts_body) for work in forecast_works(lake, works, judged)]
    return trained, judged, written, leave_stage(lake, "lstm", [*without_models(trained), *judged, *written])
