"""Settings of forecasts, apart from the forecaster itself, so that planning a run never loads PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from models.settings import APPLYING, COMPARING, TRAINING, setting


@dataclass(frozen=True)
class ForecastSettings:
    """How forecasts are made, and how they are held against what came. Days count calendar days.

    Windows: `past_days` (whole weeks) in, `horizon_days` out; regions with fewer than `min_days` observed days take no
    part, and a category not published for `recent_days` before the last day is not forecast.
    Backtest: the last `origins` origins, `days_between_origins` apart (no multiple of 7, so that weekdays take turns),
    each with its whole horizon in the past, after `calibration_origins` on which intervals are calibrated first;
    training has at least `training_days` before the first. Training goes on, with `refit_epochs`, after every
    `origins_between_refits` origins, and once more up to the last day.
    Training: `epochs` of at most `windows_per_epoch` windows, so that its time does not grow with the number of
    regions; an update looks at `days_ahead_per_batch` of the days ahead, drawn anew. `networks`: so many, from other
    seeds, whose forecasts are averaged. `unknown_share` of the windows are shown without their region's name and
    `without_policy_share` without the policy index, so that neither is leaned on. `peepholes`: whether the gates of the
    LSTM see its cell. `smoothed_series`: so many series are drawn for the baseline of exponential smoothing, 0 = none.
    `tolerance`: how much skill a new model may lack beside the published one.
    """

    horizon_days: int = setting(28, decides=(TRAINING, APPLYING))
    past_days: int = setting(56, decides=(TRAINING, APPLYING))
    min_days: int = setting(90, decides=(TRAINING, APPLYING))
    recent_days: int = setting(14, decides=(APPLYING,))
    origins: int = 8
    calibration_origins: int = 4
    days_between_origins: int = 8
    origins_between_refits: int = 4
    training_days: int = 60
    hidden_size: int = 32
    head_size: int = 32
    region_size: int = 8
    peepholes: bool = False
    networks: int = 1
    epochs: int = 4
    refit_epochs: int = 1
    windows_per_epoch: int = 16_000
    batch_size: int = 128
    days_ahead_per_batch: int = 5
    learning_rate: float = 6e-3
    refit_learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    dropout: float = 0.0
    unknown_share: float = 0.2
    without_policy_share: float = 0.5
    clip_norm: float = 1.0
    smoothed_series: int = 32
    seed: int = 1
    device: str = setting("auto", decides=())
    tolerance: float = setting(0.0, decides=(COMPARING,))
