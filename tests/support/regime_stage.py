"""The regimes of the stage `hmm`, for the tests of it and of what shows it."""

from models.regimes.regimes import RegimeSettings
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import do
from tasks.learning.champions import without_models
from tasks.regimes.stage import (
    fit_hmm_body,
    hmm_works,
    judge_hmm_body,
    regime_judgements,
    regime_works,
    write_regimes_body,
)

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), n_states=2)


def leave_regimes(lake: Lake, settings: RegimeSettings = SETTINGS) -> StageRecord:
    """The stage `hmm` after fitting, judging and writing regimes."""
    works = hmm_works(lake, settings)
    fitted = [do(lake, work, fit_hmm_body) for work in works]
    judged = [do(lake, work, judge_hmm_body) for work in regime_judgements(lake, works, fitted, settings)]
    written = [do(lake, work, write_regimes_body) for work in regime_works(lake, judged, settings)]
    return leave_stage(lake, "hmm", [*without_models(fitted), *judged, *written])
