"""The chain of taggers: fit and judge one for each language of the treebank."""

from __future__ import annotations

from tasks.lake.steps import Step
from tasks.learning.champions import OF_A_MODEL, judging
from tasks.running.chains import Chain
from tasks.taggers.comparing import compare
from tasks.taggers.settings import DEFAULTS
from tasks.taggers.showing import show
from tasks.taggers.training import train, training_batches

CHAIN = Chain(
    subject="taggers",
    stage="hmm",
    flow="train_hmm",
    steps=(
        Step("fit_tagger", train, training_batches, hands_over=OF_A_MODEL),
        judging("judge_tagger", "fit_tagger", compare, same=("held_out_nth",)),
    ),
    settings=DEFAULTS,
    shows=(show,),
)
