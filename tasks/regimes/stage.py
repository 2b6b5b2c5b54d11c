"""The stage `hmm`: regimes of mobility from the published snapshot, one model pooled over all regions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import safetensors.numpy
from prefect import task

from models.regimes.regimes import (
    RegimeFit,
    RegimeSettings,
    as_tensors,
    fit_regimes,
    from_tensors,
    rank_agreement,
    read_regimes,
)
from models.series.daily_grid import DailyGrid
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import (
    PlannedWork,
    Step,
    StepOutput,
    StepRecord,
    Work,
    do,
    find_records,
    plan_due,
    plan_hanging,
    settings_of,
)
from tasks.learning.champions import Comparison, Contest, NotComparableError, champion_rows, judge, judge_works
from tasks.learning.decisions import write_skip
from tasks.learning.fit_progress import fit_reporter, show_fit
from tasks.learning.mobility_grid import mobility_grid, policy_on_grid
from tasks.learning.model_store import MODEL_FILES, Score, TrainedModel, read_model, write_model
from tasks.running.artifacts import show_table

MODULES = ("models.regimes.regimes", "tasks.learning.mobility_grid")
JUDGING, WRITING = "judge_hmm", "write_regimes"
SUBJECT = "mobility of all regions"
AGREEMENT = "rank_correlation_with_containment_health_index"


@dataclass(frozen=True)
class RegimeData:
    """What a fit reads: the published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: RegimeSettings


@dataclass(frozen=True)
class RegimesPart:
    """What `write_regimes` reads: the published model's weights, and the published mobility."""

    model_id: str
    weights: FileRef
    mobility: tuple[FileRef, ...]
    settings: RegimeSettings


def hmm_works(lake: Lake, settings: RegimeSettings | None = None) -> list[Work]:
    """The one fit of the stage on the present snapshot; none where nothing is published yet."""
    settings = settings or RegimeSettings()
    manifest = read_manifest(lake)
    return [] if manifest is None else [_work(manifest, settings)]


def regime_judgements(
    lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord], settings: RegimeSettings
) -> list[Work]:
    """The judgement of what the fit of `works` left, beside the published model of the same categories."""
    return judge_works(lake, works, trained, JUDGING, MODULES, same=("categories",), tolerance=settings.tolerance)


def regime_works(lake: Lake, judged: Sequence[StepRecord], settings: RegimeSettings) -> list[Work]:
    """The one writing of `regimes` with the model that won; none without a model."""
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    step = Step(WRITING, MODULES, {"categories": list(settings.categories), "min_days": settings.min_days})
    mobility = manifest.tables["mobility"]
    works = []
    for record in judged:
        for row in champion_rows(lake, [record]):
            weights = next(
                ref for ref in record.files_of(MODEL_FILES) if ref.path == f"{row['path']}/model.safetensors"
            )
            inputs = (row["model_id"], weights.sha256, *sorted(ref.sha256 for ref in mobility))
            works.append(Work(step, SUBJECT, inputs, RegimesPart(row["model_id"], weights, mobility, settings)))
    return works


def plan_hmm(lake: Lake, settings: RegimeSettings | None = None) -> list[PlannedWork]:
    """What `train_hmm` would do about regimes on the present snapshot, and why."""
    settings = settings or RegimeSettings()
    works = hmm_works(lake, settings)
    for step, later in (("fit_hmm", (JUDGING, WRITING)), (JUDGING, (WRITING,)), (WRITING, ())):
        lines = plan_due(lake, "hmm", works)
        if lines:
            return [*lines, *plan_hanging("hmm", step, *later)]
        records = find_records(lake, works)
        if step == JUDGING:
            works = regime_works(lake, records, settings)
        elif step != WRITING:
            works = regime_judgements(lake, works, records, settings)
    return []


@task(task_run_name="fit_hmm {work.subject}", timeout_seconds=3600)
def fit_hmm(home: str, work: Work) -> StepRecord:
    """The record of a fit; how far it is is shown in the UI while it runs."""
    with show_fit():
        return do(Lake(Path(home)), work, fit_hmm_body)


@task(task_run_name="judge_hmm {work.subject}", timeout_seconds=3600)
def judge_hmm(home: str, work: Work) -> StepRecord:
    """The record of a judgement: the files of the model that is published."""
    return do(Lake(Path(home)), work, judge_hmm_body)


@task(task_run_name="write_regimes {work.subject}", timeout_seconds=3600)
def write_regimes(home: str, work: Work) -> StepRecord:
    """The record of the rows of `regimes`."""
    return do(Lake(Path(home)), work, write_regimes_body)


def fit_hmm_body(lake: Lake, data: RegimeData) -> StepOutput:
    """Fit the regimes and leave the model and its scores. Rows are region-days with any published value of the categories.

    Regions with fewer than `min_days` such days are set aside; with none left nothing is fitted, and the ledger says so.
    """
    began = time.perf_counter()
    settings = data.settings
    grid, regions, n_short = mobility_grid(lake, data.mobility, settings.categories, settings.min_days)
    if grid is None:
        rule = _too_short(settings) if n_short else "no_mobility_published"
        skip = write_skip(lake, _step(settings), SUBJECT, rule, threshold=float(settings.min_days))
        return StepOutput((skip,), n_short, 0, {_too_short(settings): n_short} if n_short else {})
    fit = fit_regimes(grid, settings, fit_reporter(settings))
    model = _trained(fit, grid, data, _scores(lake, data, fit, grid, regions), time.perf_counter() - began)
    n_days = int(grid.is_observed.sum())
    return StepOutput(
        write_model(lake, model), n_days + n_short, n_days, {_too_short(settings): n_short} if n_short else {}
    )


def judge_hmm_body(lake: Lake, contest: Contest) -> StepOutput:
    """Leave the model under which today's days are more likely, the new one where they are equal."""
    return judge(lake, contest, compare_regimes)


def compare_regimes(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Both models' log-likelihood of all of today's days, a mean a day, columns in percent."""
    data = contest.payload
    grid, _, _ = mobility_grid(lake, data.mobility, data.settings.categories, data.settings.min_days)
    if grid is None:
        return []
    values = []
    for model_id in (new_id, present_id):
        try:
            values.append(read_regimes(from_tensors(read_model(lake, model_id)[0]), grid).log_likelihood_per_day)
        except (ValueError, LakeError, FileNotFoundError) as error:
            raise NotComparableError(str(error)) from error
    return [Comparison("log_likelihood_per_day", "all_days", values[0], values[1])]


def write_regimes_body(lake: Lake, part: RegimesPart) -> StepOutput:
    """Leave `regimes`: the state of every present day, by the published model. Rows are region-days, as in `fit_hmm_body`."""
    settings = part.settings
    grid, regions, n_short = mobility_grid(lake, part.mobility, settings.categories, settings.min_days)
    set_aside = {_too_short(settings): n_short} if n_short else {}
    if grid is None:
        return StepOutput((), n_short, 0, set_aside)
    model = from_tensors(safetensors.numpy.load_file(lake.locate(part.weights.path)))
    reading = read_regimes(model, grid)
    is_observed = grid.is_observed
    state = pa.array(reading.state[is_observed])
    regimes = pa.table(
        {
            "model_id": pa.array([part.model_id] * int(is_observed.sum())),
            "region_id": regions.take(pa.array(grid.region[is_observed])),
            "observed_on": pa.array(grid.day[is_observed].astype("datetime64[D]")),
            "state": state,
            "label": pa.array(model.names).take(state),
            "probability": pa.array(reading.probability[is_observed]),
        }
    )
    return StepOutput((write_table(lake, "regimes", regimes),), regimes.num_rows + n_short, regimes.num_rows, set_aside)


def show_regimes(lake: Lake, judged: Sequence[StepRecord]) -> None:
    """Show the transition matrix, the likelihood by iteration and the criterion by number of states in the UI of the run that calls."""
    for row in champion_rows(lake, judged):
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
        show_table(
            "regimes-number-of-states",
            criteria,
            "Bayesian information criterion by number of states: the lowest is taken",
        )


def _too_short(settings: RegimeSettings) -> str:
    return f"fewer_than_{settings.min_days}_days"


def _work(manifest: Manifest, settings: RegimeSettings) -> Work:
    mobility, policy = manifest.tables["mobility"], manifest.tables["policy"]
    inputs = tuple(sorted(ref.sha256 for ref in mobility)) + tuple(sorted(ref.sha256 for ref in policy))
    return Work(_step(settings), SUBJECT, inputs, RegimeData(mobility, policy, manifest.snapshot_id, settings))


def _step(settings: RegimeSettings) -> Step:
    return Step(
        "fit_hmm", MODULES, settings_of(replace(settings, tolerance=0.0))
    )  # which says who is published, and fits nothing


def _scores(lake: Lake, data: RegimeData, fit: RegimeFit, grid: DailyGrid, regions: pa.Array) -> list[Score]:
    """Fit against one state; durations; agreement with the containment and health index, national days, pooled and by country."""
    reading = fit.reading
    scores = [
        Score(
            "log_likelihood_per_day",
            "all_days",
            reading.log_likelihood_per_day,
            "one_state",
            fit.one_state_log_likelihood_per_day,
        ),
        Score("mean_duration_days", "all_days", reading.mean_duration_days),
        Score("share_of_clear_days", "all_days", reading.share_of_clear_days),
        Score("changes_per_region", "all_days", len(reading.changes) / len(grid.lengths)),
        Score("bic", "all_days", *fit.bic_beside_one_state),
    ]
    is_national = pc.invert(pc.match_substring(regions, "/")).to_numpy(zero_copy_only=False)
    index = np.where(
        grid.is_observed & is_national[grid.region], policy_on_grid(lake, data.policy, grid, regions), np.nan
    )
    pooled = rank_agreement(reading.expected_level, index)
    if pooled is not None:
        scores.append(Score(AGREEMENT, "pooled", pooled))
    for country in np.flatnonzero(is_national):
        of_country = grid.region == country
        agreement = rank_agreement(reading.expected_level[of_country], index[of_country])
        if agreement is not None:
            scores.append(Score(AGREEMENT, regions[int(country)].as_py(), agreement))
    return scores


def _trained(fit: RegimeFit, grid: DailyGrid, data: RegimeData, scores: list[Score], seconds: float) -> TrainedModel:
    notes: dict[str, Any] = {
        "states": list(fit.model.names), "level_pct": fit.model.level.tolist(), "log_likelihoods": list(fit.log_likelihoods),
        "bic": {str(n): value for n, value in fit.bic.items()}, "converged": fit.is_converged, "n_regions": len(grid.lengths),
        "n_days": int(grid.is_observed.sum()), "seconds": round(seconds, 3),
    }  # fmt: skip
    inputs = tuple(sorted(ref.sha256 for ref in data.mobility))
    settings = _step(data.settings).settings
    return TrainedModel(
        "hmm_regimes",
        None,
        data.settings.seed,
        settings,
        data.snapshot_id,
        inputs,
        as_tensors(fit.model),
        scores,
        notes,
    )
