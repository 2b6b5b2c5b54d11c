"""The training of a forecaster: weights by date, a backtest over past origins, and scores beside the baselines."""

from __future__ import annotations

import logging
import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from expectations.contracts.mobility import CATEGORIES
from models.settings import settings_of
from tasks.forecasts.data import SUBJECT, ForecastData, read_panel, too_short
from tasks.forecasts.settings import ForecastSettings
from tasks.lake.decisions import write_skip
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput
from tasks.learning.model_store import Score, TrainedModel, all_settings, write_model
from tasks.learning.training_progress import training_listener

if TYPE_CHECKING:  # PyTorch and statsmodels are loaded by the body alone: planning a run never pays their seconds
    from models.forecasts.backtest import Backtest, BacktestScores
    from models.forecasts.forecaster import Forecaster
    from models.forecasts.windows import Panel

LOGGER = logging.getLogger(__name__)

KIND = "lstm_forecast"
N_WINDOWS_OF_GRADIENTS = 256  # our choice: enough for a mean, a tenth of a second
SPLIT = "backtest"
NAIVE, UNCALIBRATED, SMOOTHING = "seasonal_naive", "uncalibrated", "exponential_smoothing"
COVERAGE = 0.80  # what the intervals promise
TOO_SHORT, NOTHING_TO_LEARN = "too_few_days_for_a_backtest", "no_window_to_learn_from"

ScoredBeside = tuple[str, np.ndarray, str, np.ndarray]
"""A metric, its values (H, C), the baseline, and its values of the same metric."""


def training_batches(
    published_mobility: tuple[FileRef, ...],
    published_policy: tuple[FileRef, ...],
    snapshot_id: str,
    settings: ForecastSettings,
) -> list[Batch]:
    """The one training, on all that is published."""
    data = ForecastData(published_mobility, published_policy, snapshot_id, settings)
    return [Batch(SUBJECT, data.inputs, data, settings_of(settings))]


def train(lake: Lake, data: ForecastData) -> StepOutput:
    """Train the forecaster and leave the model with its scores. Rows are series: a category of a region.

    The series of regions with fewer than `min_days` days are set aside. Where the days are too few for a backtest, or
    hold nothing to learn from, nothing is trained, and the ledger says so.
    """
    from models.forecasts.backtest import backtest_days, final_calibration, refit_days, run_backtest, score_backtest  # noqa: PLC0415
    from models.forecasts.forecaster import train_forecaster  # noqa: PLC0415

    began = time.perf_counter()
    settings = data.settings
    panel, n_regions = read_panel(lake, data)
    n_in, short = n_regions * len(CATEGORIES), too_short(settings)
    if panel is None:
        skip = write_skip(lake, SUBJECT, short if n_in else "no_mobility_published")
        return StepOutput(skip, n_in, 0, {short: n_in} if n_in else {})
    n_series = len(panel.regions) * len(CATEGORIES)
    set_aside = {short: n_in - n_series} if n_in > n_series else {}
    days = backtest_days(panel.grid, settings)
    if not days:
        return StepOutput(write_skip(lake, SUBJECT, TOO_SHORT), n_in, 0, {**set_aside, TOO_SHORT: n_series})
    dates = refit_days(days, int(panel.grid.day.max()), settings)
    listener = training_listener("forecasts", settings.networks * len(dates))
    try:
        forecaster = train_forecaster(panel, dates, settings, listener)
    except ValueError:
        skip = write_skip(lake, SUBJECT, NOTHING_TO_LEARN)
        return StepOutput(skip, n_in, 0, {**set_aside, NOTHING_TO_LEARN: n_series})
    for dated in forecaster.dated:
        if dated.stopped:
            LOGGER.warning("a training of forecasts ended early, and the weights before it stay: %s", dated.stopped)
    backtest = run_backtest(forecaster, panel, days, settings)
    scores = score_backtest(backtest, panel, settings)
    calibration = final_calibration(backtest)
    # Beside the weights what every later forecast needs of the backtest: how wide to be, and where to say nothing.
    tensors = {"calibration.factors": calibration.factors, "calibration.n_values": calibration.n_values}
    model = TrainedModel(
        kind=KIND,
        lang=None,
        seed=settings.seed,
        settings=all_settings(settings),
        snapshot_id=data.snapshot_id,
        inputs=data.inputs,
        tensors={**forecaster.tensors(), **tensors, "skill": scores.skill},
        scores=score_rows(scores),
        notes=_notes(panel, forecaster, backtest, scores, time.perf_counter() - began),
    )
    return StepOutput(write_model(lake, model), n_in, n_series, set_aside)


def _notes(
    panel: Panel, forecaster: Forecaster, backtest: Backtest, scores: BacktestScores, seconds: float
) -> dict[str, Any]:
    """What the card says besides settings and scores."""
    origins = [str(np.datetime64(day, "D")) for day in backtest.days]
    smoothing = scores.smoothing
    flow = forecaster.gradient_by_lag(panel, N_WINDOWS_OF_GRADIENTS)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of the whole process; Linux counts in KiB
    return {
        "forecaster": forecaster.card(),
        "categories": list(CATEGORIES),
        "trained_up_to": str(np.datetime64(int(panel.grid.day.max()), "D")),
        "calibrated_on": origins[: backtest.first],
        "tested_on": origins[backtest.first :],
        "losses": [loss for dated in forecaster.dated for loss in dated.losses],
        "gradient_by_lag": {"h": flow.by_h.tolist(), "c": flow.by_c.tolist() if flow.by_c is not None else []},
        "n_series_of_exponential_smoothing": smoothing.n_series if smoothing is not None else 0,
        "seconds": round(seconds, 3),
        "n_regions": len(panel.regions),
        "n_days": int(panel.grid.is_observed.sum()),
        "peak_memory_bytes": peak_kib * 1024,
    }


def score_rows(scores: BacktestScores) -> list[Score]:
    """The rows of `scores`: by horizon and category, by horizon, and over all; what could not be measured is left out.

    Splits are `backtest` for all categories together and `backtest_<category>` for each.
    """
    rows = []
    ours, naive, coverage = scores.ours, scores.baselines[NAIVE], scores.intervals.coverage
    for category, name in enumerate(CATEGORIES):
        split = f"{SPLIT}_{name}"
        for ahead in range(len(naive.mae)):
            cell, suffix = (ahead, category), _suffix(ahead)
            covered = f"coverage_80_pct_interval{suffix}"
            rows += [
                Score(f"mae_pct{suffix}", split, ours.mae[cell], NAIVE, naive.mae[cell], better="lower"),
                Score(f"skill{suffix}", split, scores.skill[cell], NAIVE, 0.0, better="higher"),
                Score(covered, split, coverage[cell], better="near", target=COVERAGE),
            ]
        rows.append(Score("skill", split, _mean(scores.skill[:, category]), NAIVE, 0.0, better="higher"))
    for ahead in range(len(naive.mae)):
        rows += _rows_over(scores, _suffix(ahead), slice(ahead, ahead + 1))
    return [row for row in [*rows, *_rows_over(scores, "", slice(None))] if np.isfinite(row.value)]


def _rows_over(scores: BacktestScores, suffix: str, ahead: slice) -> list[Score]:
    """Scores over the horizons `ahead`: means over what each category has, so that each counts the same."""
    ours, naive, smoothing = scores.ours, scores.baselines[NAIVE], scores.smoothing
    intervals, before = scores.intervals, scores.uncalibrated
    errors: list[ScoredBeside] = [
        ("rmse_pct", ours.rmse, NAIVE, naive.rmse),
        ("mase", ours.mase, NAIVE, naive.mase),
        ("pinball_loss_pct", intervals.pinball, UNCALIBRATED, before.pinball),
    ]
    beside = [(f"mae_pct_beside_{name}", ours.mae, name, points.mae) for name, points in scores.baselines.items()]
    if smoothing is not None:
        beside.append((f"mae_pct_beside_{SMOOTHING}", smoothing.ours, SMOOTHING, smoothing.theirs))

    def lower(found: list[ScoredBeside]) -> list[Score]:
        return [
            Score(f"{metric}{suffix}", SPLIT, _mean(values[ahead]), name, _mean(others[ahead]), better="lower")
            for metric, values, name, others in found
        ]

    covered = _mean(intervals.coverage[ahead]), UNCALIBRATED, _mean(before.coverage[ahead])
    return [
        Score(f"skill{suffix}", SPLIT, _mean(scores.skill[ahead]), NAIVE, 0.0, better="higher"),
        *lower(errors),
        Score(f"coverage_80_pct_interval{suffix}", SPLIT, *covered, better="near", target=COVERAGE),
        Score(f"width_80_pct_interval{suffix}", SPLIT, _mean(intervals.width[ahead])),
        *lower(beside),
    ]


def _suffix(ahead: int) -> str:
    return f"_horizon_{ahead + 1:02d}_days"


def _mean(values: np.ndarray) -> float:
    """Of what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
