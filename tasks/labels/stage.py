"""The chain of labels: a labelled source teaches four classifiers, the best labels documents that it has not seen."""

from __future__ import annotations

from tasks.labels.applying import apply, applying_batches
from tasks.labels.comparing import compare
from tasks.labels.settings import DEFAULTS, KINDS
from tasks.labels.showing import show
from tasks.labels.training import train, training_batches
from tasks.lake.steps import DAY_S, Step
from tasks.learning.champions import OF_A_MODEL, judging
from tasks.running.chains import Chain

CHAIN = Chain(
    subject="labels",
    stage="lstm",
    flow="train_lstm",
    steps=(
        Step("fit_classifiers", train, training_batches, hands_over=OF_A_MODEL, timeout_s=DAY_S),
        judging("judge_classifier", "fit_classifiers", compare, kinds=KINDS, same=("source",), timeout_s=DAY_S),
        Step("predict_labels", apply, applying_batches, leaves=("predictions",), timeout_s=DAY_S),
    ),
    settings=DEFAULTS,
    shows=(show,),
)
