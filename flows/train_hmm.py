"""The flow `train_hmm`: regimes of mobility, and taggers of the treebanks' languages, on the published snapshot."""

from __future__ import annotations

from prefect import flow

from models.regimes.regimes import RegimeSettings
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.learning.champions import show_champions, without_models
from tasks.regimes.stage import (
    fit_hmm,
    hmm_works,
    judge_hmm,
    regime_judgements,
    regime_works,
    show_regimes,
    write_regimes,
)
from tasks.running.artifacts import show_scores
from tasks.running.engine import do_all
from tasks.running.places import home_folder
from tasks.running.runs import record_run
from tasks.taggers.stage import TaggingSettings, fit_tagger, judge_tagger, show_taggers, tagger_judgements, tagger_works

DEFAULTS, TAGGING = RegimeSettings(), TaggingSettings()


@flow(name="train_hmm")
def train_hmm(
    home: str | None = None,
    engine: str = "local",
    settings: RegimeSettings = DEFAULTS,
    tagging: TaggingSettings = TAGGING,
) -> StageRecord:
    """Fit the hidden Markov model of mobility regimes and the taggers; leave those that are not worse than the published ones, their
    scores, and the `regimes` of all days.
    """
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_hmm"):
        fits = hmm_works(lake, settings)
        fitted = do_all(lake, fits, fit_hmm)
        chosen = do_all(lake, regime_judgements(lake, fits, fitted, settings), judge_hmm)
        regimes = do_all(lake, regime_works(lake, chosen, settings), write_regimes)
        works = tagger_works(lake, tagging)
        taggers = do_all(lake, works, fit_tagger)
        judged = do_all(lake, tagger_judgements(lake, works, taggers, tagging), judge_tagger)
        records = [*without_models([*fitted, *taggers]), *chosen, *regimes, *judged]
        show_champions(lake, "hmm", [*chosen, *judged])
        show_scores(lake, "hmm", records)
        show_regimes(lake, chosen)
        show_taggers(lake, judged)
        return leave_stage(lake, "hmm", records)
