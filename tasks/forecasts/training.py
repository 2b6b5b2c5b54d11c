"""Training of the forecaster: weights by date, a backtest over past origins, calibrated intervals, and scores beside the baselines."""

from __future__ import annotations

import logging
import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from expectations.contracts.mobility import CATEGORIES
from models.forecasts.settings import ForecastSettings
from tasks.forecasts.data import ForecastData, read_panel
from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput, settings_of
from tasks.learning.decisions import write_skip
from tasks.learning.model_store import Score, TrainedModel, write_model
from tasks.learning.training_progress import progress_log

if TYPE_CHECKING:  # PyTorch and statsmodels are loaded by the body alone: planning a run never pays their seconds
    from models.forecasts.backtest import Backtest, BacktestScores
    from models.forecasts.forecaster import Forecaster
    from models.forecasts.windows import Panel

LOGGER = logging.getLogger(__name__)

KIND = "lstm_forecast"
MODULES = (
    "models.forecasts.forecaster",
    "models.forecasts.backtest",
    "models.series.holiday_calendar",
    "tasks.learning.mobility_grid",
)
SUBJECT = "mobility of all regions"
N_WINDOWS_OF_GRADIENTS = 256  # our choice: enough for a mean, a tenth of a second
SPLIT = "backtest"
NAIVE = "seasonal_naive"
TOO_SHORT, NOTHING_TO_LEARN = "too_few_days_for_a_backtest", "no_window_to_learn_from"
NOT_OF_THE_MODEL = ("device", "recent_days", "tolerance")
"""Settings that change nothing about what is learned."""


def training_step(settings: ForecastSettings) -> Step:
    """The step that trains under `settings`."""
    return Step(
        "fit_lstm",
        MODULES,
        {name: value for name, value in settings_of(settings).items() if name not in NOT_OF_THE_MODEL},
    )


def fit_lstm_body(lake: Lake, data: ForecastData) -> StepOutput:
    """Train the forecaster and leave the model with its scores. Rows are series: a category of a region.

    The series of regions with fewer than `min_days` days are set aside. Where the days are too few for a backtest, or hold nothing to
    learn from, nothing is trained, and the ledger says so.
    """
    from models.forecasts.backtest import backtest_days, final_calibration, refit_days, run_backtest, score_backtest  # noqa: PLC0415
    from models.forecasts.forecaster import train_forecaster  # noqa: PLC0415

    began = time.perf_counter()
    settings = data.settings
    panel, n_regions = read_panel(lake, data)
    n_in = n_regions * len(CATEGORIES)
    short = f"fewer_than_{settings.min_days}_days"
    if panel is None:
        return _nothing(lake, settings, n_in, {short: n_in} if n_in else {}, short if n_in else "no_mobility_published")
    n_series = len(panel.regions) * len(CATEGORIES)
    set_aside = {short: n_in - n_series} if n_in > n_series else {}
    days = backtest_days(panel.grid, settings)
    if not days:
        return _nothing(lake, settings, n_in, {**set_aside, TOO_SHORT: n_series}, TOO_SHORT)
    try:
        last_day = int(panel.grid.day.max())
        forecaster = train_forecaster(panel, refit_days(days, last_day, settings), settings, progress_log("forecasts"))
    except ValueError:
        return _nothing(lake, settings, n_in, {**set_aside, NOTHING_TO_LEARN: n_series}, NOTHING_TO_LEARN)
    for dated in forecaster.dated:
        if dated.stopped:
            LOGGER.warning("a training of forecasts ended early, and the weights before it stay: %s", dated.stopped)
    backtest = run_backtest(forecaster, panel, days, settings)
    scores = score_backtest(backtest, panel, settings)
    calibration = final_calibration(backtest)
    # Weights, and beside them what every later forecast needs of the backtest: how wide to be, and where to say nothing.
    tensors = {
        **forecaster.tensors(), "calibration.factors": calibration.factors, "calibration.n_values": calibration.n_values, "skill": scores.skill,
    }  # fmt: skip
    notes = _notes(panel, forecaster, backtest, scores, time.perf_counter() - began)
    model = TrainedModel(
        KIND,
        None,
        settings.seed,
        settings_of(settings),
        data.snapshot_id,
        data.inputs,
        tensors,
        score_rows(scores),
        notes,
    )
    return StepOutput(write_model(lake, model), n_in, n_series, set_aside)


def _nothing(lake: Lake, settings: ForecastSettings, n_in: int, set_aside: dict[str, int], rule: str) -> StepOutput:
    return StepOutput((write_skip(lake, training_step(settings), SUBJECT, rule),), n_in, 0, set_aside)


def _notes(
    panel: Panel, forecaster: Forecaster, backtest: Backtest, scores: BacktestScores, seconds: float
) -> dict[str, Any]:
    """What the card says besides settings and scores: the forecaster's own card, the origins, curves, seconds and memory."""
    origins = [str(np.datetime64(day, "D")) for day in backtest.days]
    smoothing = scores.smoothing
    flow = forecaster.gradient_by_lag(panel, N_WINDOWS_OF_GRADIENTS)
    return {
        "forecaster": forecaster.card(), "categories": list(CATEGORIES), "trained_up_to": str(np.datetime64(int(panel.grid.day.max()), "D")),
        "calibrated_on": origins[: backtest.first], "tested_on": origins[backtest.first :],
        "losses": [loss for dated in forecaster.dated for loss in dated.losses],
        "gradient_by_lag": {"h": flow.by_h.tolist(), "c": flow.by_c.tolist() if flow.by_c is not None else []},
        "n_series_of_exponential_smoothing": smoothing.n_series if smoothing is not None else 0,
        "seconds": round(seconds, 3), "n_regions": len(panel.regions), "n_days": int(panel.grid.is_observed.sum()),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # of the whole process; Linux counts in KiB
    }  # fmt: skip


def score_rows(scores: BacktestScores) -> list[Score]:
    """The rows of `scores`: by horizon and category, by horizon, and over all; what could not be measured is left out.

    Splits are `backtest` for all categories together and `backtest_<category>` for each.
    """
    rows = []
    naive = scores.baselines[NAIVE]
    for category, name in enumerate(CATEGORIES):
        for ahead in range(len(naive.mae)):
            cell, split, suffix = (ahead, category), f"{SPLIT}_{name}", _suffix(ahead)
            rows += [
                Score(f"mae_pct_{suffix}", split, scores.ours.mae[cell], NAIVE, naive.mae[cell]),
                Score(f"skill_{suffix}", split, scores.skill[cell], NAIVE, 0.0),
                Score(f"coverage_80_pct_interval_{suffix}", split, scores.intervals.coverage[cell]),
            ]
        rows.append(Score("skill", f"{SPLIT}_{name}", _mean(scores.skill[:, category]), NAIVE, 0.0))
    for ahead in range(len(naive.mae)):
        rows += _rows_over(scores, _suffix(ahead, "_"), slice(ahead, ahead + 1))
    return [row for row in [*rows, *_rows_over(scores, "", slice(None))] if np.isfinite(row.value)]


def _rows_over(scores: BacktestScores, suffix: str, ahead: slice) -> list[Score]:
    """Scores over the horizons `ahead` and all categories: means over these of what each category has, so that each counts the same."""
    naive, ours = scores.baselines[NAIVE], scores.ours
    rows = [
        Score(f"skill{suffix}", SPLIT, _mean(scores.skill[ahead]), NAIVE, 0.0),
        Score(f"rmse_pct{suffix}", SPLIT, _mean(ours.rmse[ahead]), NAIVE, _mean(naive.rmse[ahead])),
        Score(f"mase{suffix}", SPLIT, _mean(ours.mase[ahead]), NAIVE, _mean(naive.mase[ahead])),
        Score(f"pinball_loss_pct{suffix}", SPLIT, _mean(scores.intervals.pinball[ahead]), "uncalibrated", _mean(scores.uncalibrated.pinball[ahead])),
        Score(f"coverage_80_pct_interval{suffix}", SPLIT, _mean(scores.intervals.coverage[ahead]), "uncalibrated", _mean(scores.uncalibrated.coverage[ahead])),
        Score(f"width_80_pct_interval{suffix}", SPLIT, _mean(scores.intervals.width[ahead])),
    ]  # fmt: skip
    for name, points in scores.baselines.items():
        rows.append(
            Score(f"mae_pct_beside_{name}{suffix}", SPLIT, _mean(ours.mae[ahead]), name, _mean(points.mae[ahead]))
        )
    if scores.smoothing is not None:
        smoothing = scores.smoothing
        name = "exponential_smoothing"
        rows.append(
            Score(
                f"mae_pct_beside_{name}{suffix}",
                SPLIT,
                _mean(smoothing.ours[ahead]),
                name,
                _mean(smoothing.theirs[ahead]),
            )
        )
    return rows


def _suffix(ahead: int, before: str = "") -> str:
    return f"{before}horizon_{ahead + 1:02d}_days"


def _mean(values: np.ndarray) -> float:
    """Of what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
