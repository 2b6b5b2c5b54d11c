"""Settings that make forecasts a matter of a second, and their chain with them."""

from models.forecasts.settings import ForecastSettings
from support.chains import run_chain
from tasks.forecasts.stage import CHAIN
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import StepRecord

SETTINGS = ForecastSettings(
    horizon_days=14,
    past_days=28,
    min_days=60,
    origins=3,
    calibration_origins=2,
    days_between_origins=5,
    hidden_size=8,
    head_size=8,
    region_size=2,
    epochs=1,
    refit_epochs=1,
    windows_per_epoch=64,
    batch_size=32,
    smoothed_series=2,
    device="cpu",
)

Records = list[StepRecord]


def run_stage(lake: Lake, settings: ForecastSettings = SETTINGS) -> tuple[Records, Records, Records, StageRecord]:
    """What the flow does: train, judge, forecast, leave the stage; the records of each."""
    way = run_chain(lake, CHAIN, settings)
    trained, judged, written = (way.records[step.name] for step in CHAIN.steps)
    return trained, judged, written, leave_stage(lake, CHAIN.stage, CHAIN.tables, way.left())
