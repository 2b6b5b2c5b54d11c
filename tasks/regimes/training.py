"""The fit of regimes: one model pooled over all regions, its scores beside one state, and its agreement with policy."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.regimes.regimes import RegimeFit, RegimeProgress, as_tensors, fit_regimes, rank_agreement
from models.series.daily_grid import DailyGrid
from models.settings import settings_of
from tasks.lake.decisions import write_skip
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake
from tasks.lake.progress import reporter
from tasks.lake.steps import Batch, StepOutput
from tasks.learning.mobility_grid import policy_on_grid
from tasks.learning.model_store import Score, TrainedModel, all_settings, write_model
from tasks.regimes.data import SUBJECT, RegimeData, read_grid, too_short
from tasks.regimes.settings import RegimeSettings

AGREEMENT = "rank_correlation_with_containment_health_index"


def training_batches(
    published_mobility: tuple[FileRef, ...],
    published_policy: tuple[FileRef, ...],
    snapshot_id: str,
    settings: RegimeSettings,
) -> list[Batch]:
    """The one fit, on all that is published."""
    data = RegimeData(published_mobility, published_policy, snapshot_id, settings)
    return [Batch(SUBJECT, data.inputs, data, settings_of(settings))]


def train(lake: Lake, data: RegimeData) -> StepOutput:
    """Fit the regimes and leave the model and its scores. Rows are region-days with any published value of the
    categories.

    Regions with fewer than `min_days` such days are set aside; with none left nothing is fitted, and the ledger says
    so.
    """
    began = time.perf_counter()
    settings = data.settings
    grid, regions, set_aside = read_grid(lake, data.mobility, settings)
    n_short = sum(set_aside.values())
    if grid is None:
        rule = too_short(settings) if n_short else "no_mobility_published"
        skip = write_skip(lake, SUBJECT, rule, threshold=float(settings.min_days))
        return StepOutput(skip, n_short, 0, set_aside)
    fit = fit_regimes(grid, settings, _tell(settings))
    model = _trained(fit, grid, data, _scores(lake, data, fit, grid, regions), time.perf_counter() - began)
    n_days = int(grid.is_observed.sum())
    return StepOutput(write_model(lake, model), n_days + n_short, n_days, set_aside)


def _tell(settings: RegimeSettings) -> RegimeProgress:
    """Tells of every iteration; a fit that converges early leaps ahead of the share of iterations that all may take."""
    report = reporter("regimes")
    numbers = list(range(1, settings.most_states + 1)) if settings.n_states is None else [settings.n_states]

    def tell(n_states: int, iteration: int, log_likelihood: float) -> None:
        n_done = numbers.index(n_states) * settings.n_iter + iteration + 1
        message = f"{n_states} states, iteration {iteration}: log-likelihood {log_likelihood:.3f}"
        report(n_done / (len(numbers) * settings.n_iter), message)

    return tell


def _scores(lake: Lake, data: RegimeData, fit: RegimeFit, grid: DailyGrid, regions: pa.Array) -> list[Score]:
    """Fit against one state; durations; agreement with the containment and health index, national days, pooled and by
    country.
    """
    reading = fit.reading
    one_state = "one_state", fit.one_state_log_likelihood_per_day
    scores = [
        Score("log_likelihood_per_day", "all_days", reading.log_likelihood_per_day, *one_state, better="higher"),
        Score("mean_duration_days", "all_days", reading.mean_duration_days),
        Score("share_of_clear_days", "all_days", reading.share_of_clear_days, better="higher"),
        Score("changes_per_region", "all_days", len(reading.changes) / len(grid.lengths)),
        Score("bic", "all_days", *fit.bic_beside_one_state, better="lower"),
    ]
    is_national = pc.invert(pc.match_substring(regions, "/")).to_numpy(zero_copy_only=False)
    policy = policy_on_grid(lake, data.policy, grid, regions)
    index = np.where(grid.is_observed & is_national[grid.region], policy, np.nan)
    agreements = {"pooled": rank_agreement(reading.expected_level, index)}
    for country in np.flatnonzero(is_national):
        days = grid.region == country
        agreements[regions[int(country)].as_py()] = rank_agreement(reading.expected_level[days], index[days])
    known = {split: value for split, value in agreements.items() if value is not None}
    return [*scores, *(Score(AGREEMENT, split, value, better="higher") for split, value in known.items())]


def _trained(fit: RegimeFit, grid: DailyGrid, data: RegimeData, scores: list[Score], seconds: float) -> TrainedModel:
    notes: dict[str, Any] = {
        "states": list(fit.model.names),
        "level_pct": fit.model.level.tolist(),
        "log_likelihoods": list(fit.log_likelihoods),
        "bic": {str(n): value for n, value in fit.bic.items()},
        "converged": fit.is_converged,
        "n_regions": len(grid.lengths),
        "n_days": int(grid.is_observed.sum()),
        "seconds": round(seconds, 3),
    }
    return TrainedModel(
        kind="hmm_regimes",
        lang=None,
        seed=data.settings.seed,
        settings=all_settings(data.settings),
        snapshot_id=data.snapshot_id,
        inputs=tuple(sorted(ref.sha256 for ref in data.mobility)),
        tensors=as_tensors(fit.model),
        scores=scores,
        notes=notes,
    )
