"""The stage `hmm`: regimes of mobility from the published snapshot, one model pooled over all regions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from expectations.contracts import LEDGER
from models.daily_grid import DailyGrid, daily_grid
from models.regimes import RegimeFit, RegimeSettings, fit_regimes, rank_agreement
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import PlannedWork, Step, StepOutput, StepRecord, Work, do, settings_of, why_due
from tasks.model_store import Score, TrainedModel, write_model

MODULES = ("models.regimes",)
SUBJECT = "mobility of all regions"


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
    rows = read_table(lake, data.mobility, ["region_id", "observed_on", "category", "change_pct"])
    rows = rows.filter(pc.and_(pc.is_in(rows["category"], pa.array(settings.categories)), pc.is_valid(rows["change_pct"])))
    if not rows.num_rows:
        return StepOutput((_skipped(lake, "no_mobility_published", 0, settings),), 0, 0)
    grid, regions = _grid(rows, settings.categories)
    n_days_in = int(grid.is_observed.sum())
    n_days = np.bincount(grid.region[grid.is_observed], minlength=len(regions))
    is_kept = n_days >= settings.min_days
    set_aside = {f"fewer_than_{settings.min_days}_days": n} if (n := int(n_days[~is_kept].sum())) else {}
    if not is_kept.any():
        return StepOutput((_skipped(lake, f"fewer_than_{settings.min_days}_days", n_days_in, settings),), n_days_in, 0, set_aside)
    if not is_kept.all():
        grid, regions = _grid(rows.filter(pc.is_in(rows["region_id"], regions.filter(pa.array(is_kept)))), settings.categories)
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
    return StepOutput(files, n_days_in, regimes.num_rows, set_aside)


def _work(manifest: Manifest, settings: RegimeSettings) -> Work:
    mobility, policy = manifest.tables["mobility"], manifest.tables["policy"]
    step = Step("fit_hmm", MODULES, settings_of(settings))
    inputs = tuple(sorted(ref.sha256 for ref in mobility)) + tuple(sorted(ref.sha256 for ref in policy))
    return Work(step, SUBJECT, inputs, RegimeData(mobility, policy, manifest.snapshot_id, settings))


def _grid(rows: pa.Table, categories: tuple[str, ...]) -> tuple[DailyGrid, pa.Array]:
    """The grid of `rows` (none NULL), its regions numbered in order of their ids; and those ids."""
    ids = rows["region_id"].combine_chunks().dictionary_encode()
    regions = ids.dictionary.sort()
    number = pc.index_in(rows["region_id"], regions).to_numpy()
    column = pc.index_in(rows["category"], pa.array(categories)).to_numpy()
    days = rows["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64)
    return daily_grid(number, days, column, rows["change_pct"].to_numpy(), len(categories)), regions


def _scores(lake: Lake, data: RegimeData, fit: RegimeFit, grid: DailyGrid, regions: pa.Array) -> list[Score]:
    """Fit against one state; durations; agreement with the containment and health index, national days, pooled and by country."""
    scores = [
        Score("log_likelihood_per_day", "all_days", fit.log_likelihood_per_day, "one_state", fit.one_state_log_likelihood_per_day),
        Score("mean_duration_days", "all_days", fit.mean_duration_days),
        Score("share_of_clear_days", "all_days", fit.share_of_clear_days),
    ]
    policy = read_table(lake, data.policy, ["region_id", "observed_on", "containment_health_index"])
    number = pc.index_in(policy["region_id"], regions)
    policy = policy.append_column("number", number).filter(pc.is_valid(number))
    index = np.full(len(grid.day), np.nan)
    offsets = np.cumsum(grid.lengths) - grid.lengths
    of_region = policy["number"].to_numpy()
    place = policy["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64) - grid.first_day[of_region]
    is_inside = (place >= 0) & (place < grid.lengths[of_region])
    index[(offsets[of_region] + place)[is_inside]] = policy["containment_health_index"].to_numpy()[is_inside]
    index[~grid.is_observed] = np.nan
    pooled = rank_agreement(fit.expected_level, index)
    if pooled is not None:
        scores.append(Score("rank_correlation_with_containment_health_index", "pooled", pooled))
    for country in np.unique(of_region):
        of_country = grid.region == country
        agreement = rank_agreement(fit.expected_level[of_country], index[of_country])
        if agreement is not None:
            scores.append(Score("rank_correlation_with_containment_health_index", regions[int(country)].as_py(), agreement))
    return scores


def _trained(fit: RegimeFit, grid: DailyGrid, data: RegimeData, scores: list[Score], seconds: float) -> TrainedModel:
    tensors = {
        "startprob": fit.model.startprob_, "transmat": fit.model.transmat_, "means": fit.model.means_, "covars": fit.model.covars_,
        "location": fit.location, "scale": fit.scale,
    }  # fmt: skip
    notes: dict[str, Any] = {
        "states": list(fit.names), "level_pct": fit.level.tolist(), "log_likelihoods": list(fit.log_likelihoods),
        "converged": fit.model.monitor_.converged, "n_regions": len(grid.lengths), "n_days": int(grid.is_observed.sum()),
        "seconds": round(seconds, 3),
    }  # fmt: skip
    inputs = tuple(sorted(ref.sha256 for ref in data.mobility))
    settings = settings_of(data.settings)
    return TrainedModel("hmm_regimes", None, data.settings.seed, settings, data.snapshot_id, inputs, tensors, scores, notes)


def _skipped(lake: Lake, rule: str, n_days: int, settings: RegimeSettings) -> FileRef:
    """A ledger line that says why nothing was fitted."""
    line = {
        "subject": SUBJECT, "subject_kind": "batch", "stage": "fit_hmm", "outcome": "skipped", "rule": rule, "score": float(n_days),
        "threshold": float(settings.min_days), "code_version": Step("fit_hmm", MODULES).code_version,
    }  # fmt: skip
    return write_table(lake, "ops.ledger", pa.Table.from_pylist([line], schema=LEDGER.arrow_schema()))
