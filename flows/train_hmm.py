"""The flow `train_hmm`: regimes of mobility, and taggers of the treebanks' languages, on the published snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.lake.stages import StageRecord
from tasks.regimes.settings import RegimeSettings
from tasks.running.stage_runs import run_stage
from tasks.taggers.settings import TaggingSettings

DEFAULTS, TAGGING = RegimeSettings(), TaggingSettings()


@flow(name="train_hmm")
def train_hmm(
    home: str | None = None,
    engine: str = "local",
    settings: RegimeSettings = DEFAULTS,
    tagging: TaggingSettings = TAGGING,
) -> StageRecord:
    """Fit the hidden Markov model of mobility regimes and the taggers; leave those that are not worse than the
    published ones, their scores, and the `regimes` of all days.
    """
    return run_stage("hmm", home, settings={"regimes": settings, "taggers": tagging})
