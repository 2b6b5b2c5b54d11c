"""The flow `train_hmm`: regimes of mobility on the published snapshot."""

from __future__ import annotations

from prefect import flow

from models.regimes import RegimeSettings
from tasks.artifacts import show_scores
from tasks.engine import do_all
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.places import home_folder
from tasks.regimes import fit_hmm, hmm_works
from tasks.runs import record_run

DEFAULTS = RegimeSettings()


@flow(name="train_hmm")
def train_hmm(home: str | None = None, engine: str = "local", settings: RegimeSettings = DEFAULTS) -> StageRecord:
    """Fit the hidden Markov model of mobility regimes, and leave `regimes`, its model and its scores."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_hmm"):
        records = do_all(lake, hmm_works(lake, settings), fit_hmm)
        show_scores(lake, "hmm", records)
        return leave_stage(lake, "hmm", records)
