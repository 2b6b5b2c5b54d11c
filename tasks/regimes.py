"""The stage `hmm`: regimes of mobility from the published snapshot, one model pooled over all regions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from models.daily_grid import DailyGrid
from models.regimes import RegimeFit, RegimeSettings, fit_regimes, rank_agreement
from tasks.artifacts import show_table
from tasks.decisions import write_skip
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import PlannedWork, Step, StepOutput, StepRecord, Work, do, settings_of, why_due
from tasks.mobility_grid import mobility_grid, policy_on_grid
from tasks.model_store import Score, TrainedModel, read_model, write_model

MODULES = ("models.regimes", "tasks.mobility_grid")
SUBJECT = "mobility of all regions"
AGREEMENT = "rank_correlation_with_containment_health_index"


@dataclass(frozen=True)
class RegimeData:
    """What a fit reads: the published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: RegimeSettings


def hmm_works(lake: Lake, settings: RegimeSettings | None = None) -> list[Work]:
    """The one fit of the stage on the present snapshot; none where nothing is published yet."""
    settings = settings or RegimeSettings()
    manifest = read_manifest(lake)
    return [] if manifest is None else [_work(manifest, settings)]


def plan_hmm(lake: Lake, settings: RegimeSettings | None = None) -> list[PlannedWork]:
    """What `train_hmm` would do on the present snapshot, and why."""
    reasons = [(work, why_due(lake, work)) for work in hmm_works(lake, settings)]
    return [PlannedWork("hmm", work.step.name, work.subject, reason) for work, reason in reasons if reason is not None]


@task(task_run_name="fit_hmm {work.subject}", timeout_seconds=3600)
def fit_hmm(home: str, work: Work) -> StepRecord:
    """The record of a fit."""
    return do(Lake(Path(home)), work, fit_hmm_body)


def fit_hmm_body(lake: Lake, data: RegimeData) -> StepOutput:
    """Fit the regimes and leave `regimes`, the model and its scores. Rows are region-days with any published value of the categories.

    Regions with fewer than `min_days` such days are set aside; with none left nothing is fitted, and the ledger says so.
    """
    began = time.perf_counter()
    settings = data.settings
    grid, regions, n_short = mobility_grid(lake, data.mobility, settings.categories, settings.min_days)
    short = f"fewer_than_{settings.min_days}_days"
    set_aside = {short: n_short} if n_short else {}
    if grid is None:
        rule = short if n_short else "no_mobility_published"
        skip = write_skip(lake, _step(settings), SUBJECT, rule, threshold=float(settings.min_days))
        return StepOutput((skip,), n_short, 0, set_aside)
    fit = fit_regimes(grid, settings)
    is_observed = grid.is_observed
    model = _trained(fit, grid, data, _scores(lake, data, fit, grid, regions), time.perf_counter() - began)
    names = pa.array(fit.names)
    regimes = pa.table(
        {
            "model_id": pa.array([model.model_id] * int(is_observed.sum())),
            "region_id": regions.take(pa.array(grid.region[is_observed])),
            "observed_on": pa.array(grid.day[is_observed].astype("datetime64[D]")),
            "state": pa.array(fit.state[is_observed]),
            "label": names.take(pa.array(fit.state[is_observed])),
            # Rounding of the posterior can leave 1 + 1e-16.
            "probability": pa.array(np.clip(fit.probability[is_observed], 0.0, 1.0)),
        }
    )
    files = (write_table(lake, "regimes", regimes), *write_model(lake, model))
    return StepOutput(files, regimes.num_rows + n_short, regimes.num_rows, set_aside)


def show_regimes(lake: Lake, records: Sequence[StepRecord]) -> None:
    """Show the transition matrix, the likelihood by iteration and the criterion by number of states in the UI of the run that calls."""
    for record in records:
        for row in (row for ref in record.files_of("models") for row in read_table(lake, ref, ["model_id"]).to_pylist()):
            tensors, card = read_model(lake, row["model_id"])
            notes = card["notes"]
            moves = [
                {"from": name, **dict(zip(notes["states"], shares, strict=True))}
                for name, shares in zip(notes["states"], tensors["transmat"].round(4).tolist(), strict=True)
            ]
            show_table("regimes-transitions", moves, "Probability of each state of mobility on the day after another")
            curve = [{"iteration": n, "log-likelihood": value} for n, value in enumerate(notes["log_likelihoods"])]
            show_table("regimes-likelihood", curve, "Log-likelihood of the regimes by iteration of EM")
            criteria = [{"states": n, "bic": value} for n, value in notes["bic"].items()]
            show_table("regimes-number-of-states", criteria, "Bayesian information criterion by number of states: the lowest is taken")


def _work(manifest: Manifest, settings: RegimeSettings) -> Work:
    mobility, policy = manifest.tables["mobility"], manifest.tables["policy"]
    inputs = tuple(sorted(ref.sha256 for ref in mobility)) + tuple(sorted(ref.sha256 for ref in policy))
    return Work(_step(settings), SUBJECT, inputs, RegimeData(mobility, policy, manifest.snapshot_id, settings))


def _step(settings: RegimeSettings) -> Step:
    return Step("fit_hmm", MODULES, settings_of(settings))


def _scores(lake: Lake, data: RegimeData, fit: RegimeFit, grid: DailyGrid, regions: pa.Array) -> list[Score]:
    """Fit against one state; durations; agreement with the containment and health index, national days, pooled and by country."""
    scores = [
        Score("log_likelihood_per_day", "all_days", fit.log_likelihood_per_day, "one_state", fit.one_state_log_likelihood_per_day),
        Score("mean_duration_days", "all_days", fit.mean_duration_days),
        Score("share_of_clear_days", "all_days", fit.share_of_clear_days),
        Score("changes_per_region", "all_days", len(fit.changes) / len(grid.lengths)),
        Score("bic", "all_days", *fit.bic_beside_one_state),
    ]
    is_national = pc.invert(pc.match_substring(regions, "/")).to_numpy(zero_copy_only=False)
    index = np.where(grid.is_observed & is_national[grid.region], policy_on_grid(lake, data.policy, grid, regions), np.nan)
    pooled = rank_agreement(fit.expected_level, index)
    if pooled is not None:
        scores.append(Score(AGREEMENT, "pooled", pooled))
    for country in np.flatnonzero(is_national):
        of_country = grid.region == country
        agreement = rank_agreement(fit.expected_level[of_country], index[of_country])
        if agreement is not None:
            scores.append(Score(AGREEMENT, regions[int(country)].as_py(), agreement))
    return scores


def _trained(fit: RegimeFit, grid: DailyGrid, data: RegimeData, scores: list[Score], seconds: float) -> TrainedModel:
    tensors = {
        "startprob": fit.model.startprob_, "transmat": fit.model.transmat_, "means": fit.model.means_, "covars": fit.model.covars_,
        "location": fit.location, "scale": fit.scale,
    }  # fmt: skip
    notes: dict[str, Any] = {
        "states": list(fit.names), "level_pct": fit.level.tolist(), "log_likelihoods": list(fit.log_likelihoods),
        "bic": {str(n): value for n, value in fit.bic.items()}, "converged": fit.model.monitor_.converged, "n_regions": len(grid.lengths), "n_days": int(grid.is_observed.sum()),
        "seconds": round(seconds, 3),
    }  # fmt: skip
    inputs = tuple(sorted(ref.sha256 for ref in data.mobility))
    settings = settings_of(data.settings)
    return TrainedModel("hmm_regimes", None, data.settings.seed, settings, data.snapshot_id, inputs, tensors, scores, notes)
