"""Settings of forecasts, apart from the forecaster itself, so that planning a run never loads PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ForecastSettings:
    """How forecasts are made. Days count calendar days; `held_out_days` at the end of the calendar are never trained on.

    `windows_per_epoch` are drawn anew each epoch, so that the time of training does not grow with the number of regions.
    """

    horizon_days: int = 14
    past_days: int = 42
    held_out_days: int = 56
    days_between_origins: int = 7
    min_days: int = 90
    hidden_size: int = 48
    epochs: int = 12
    windows_per_epoch: int = 4096
    batch_size: int = 128
    learning_rate: float = 3e-3
    clip_norm: float = 1.0
    seed: int = 1
