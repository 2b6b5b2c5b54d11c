"""The chain of forecasts: train, judge, forecast from every region's last day."""

from __future__ import annotations

from tasks.forecasts.applying import apply, applying_batches
from tasks.forecasts.comparing import compare
from tasks.forecasts.settings import DEFAULTS
from tasks.forecasts.showing import show
from tasks.forecasts.training import train, training_batches
from tasks.lake.steps import Step
from tasks.learning.champions import OF_A_MODEL, judging
from tasks.running.chains import Chain

CHAIN = Chain(
    subject="forecasts",
    stage="lstm",
    flow="train_lstm",
    steps=(
        Step("fit_lstm", train, training_batches, hands_over=OF_A_MODEL),
        judging("judge_forecaster", "fit_lstm", compare),
        Step("write_forecasts", apply, applying_batches, leaves=("forecasts",)),
    ),
    settings=DEFAULTS,
    shows=(show,),
)
