"""What the UI shows of the champion of regimes: its moves, how it was fitted, and why it has so many states."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import read_model
from tasks.learning.showing import show_champions, show_scores
from tasks.running.artifacts import show_table


def show(lake: Lake, judge_hmm: Sequence[StepRecord]) -> None:
    """Show the verdict and the scores, the transition matrix, the likelihood by iteration and the criterion by number
    of states.
    """
    show_champions(lake, "regimes", judge_hmm)
    show_scores(lake, "regimes", judge_hmm)
    for row in champion_rows(lake, judge_hmm):
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
        words = "Bayesian information criterion by number of states: the lowest is taken"
        show_table("regimes-number-of-states", criteria, words)
