"""The flow `train_lstm`: forecasts of mobility on the published snapshot."""

from __future__ import annotations

from prefect import flow

from models.forecast_settings import ForecastSettings
from tasks.artifacts import show_scores
from tasks.engine import do_all
from tasks.forecasts import fit_lstm, lstm_works
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.places import home_folder
from tasks.runs import record_run

DEFAULTS = ForecastSettings()


@flow(name="train_lstm")
def train_lstm(home: str | None = None, engine: str = "local", settings: ForecastSettings = DEFAULTS) -> StageRecord:
    """Train the LSTM that forecasts mobility, and leave `forecasts`, its model and its scores."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_lstm"):
        records = do_all(lake, lstm_works(lake, settings), fit_lstm)
        show_scores(lake, "lstm", records)
        return leave_stage(lake, "lstm", records)
