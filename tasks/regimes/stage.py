"""The chain of regimes: fit, judge, write the states of all days."""

from __future__ import annotations

from tasks.lake.steps import Step
from tasks.learning.champions import OF_A_MODEL, judging
from tasks.regimes.applying import apply, applying_batches
from tasks.regimes.comparing import compare
from tasks.regimes.settings import DEFAULTS
from tasks.regimes.showing import show
from tasks.regimes.training import train, training_batches
from tasks.running.chains import Chain

CHAIN = Chain(
    subject="regimes",
    stage="hmm",
    flow="train_hmm",
    steps=(
        Step("fit_hmm", train, training_batches, hands_over=OF_A_MODEL),
        judging("judge_hmm", "fit_hmm", compare, same=("categories",)),
        Step("write_regimes", apply, applying_batches, leaves=("regimes",)),
    ),
    settings=DEFAULTS,
    shows=(show,),
)
