"""The number of states of a hidden Markov model, by the Bayesian information criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from models.hmm.estimator import HiddenMarkovModel, Progress

Model = TypeVar("Model", bound=HiddenMarkovModel)


@dataclass(frozen=True)
class StateChoice(Generic[Model]):
    """The model of the lowest criterion, and the criterion by number of states; None where one could not be fitted."""

    model: Model
    bic: dict[int, float | None]


def choose_n_states(
    make: Callable[[int], Model],
    numbers: Iterable[int],
    X: Any,
    lengths: Any = None,
    *,
    progress: Progress | None = None,
) -> StateChoice[Model]:
    """Fit `make(n)` for each of `numbers` states and take the lowest BIC; of equal ones the fewest states.

    `progress` is told the iterations of each fit, from 0 for each. A number for which X has too few distinct rows is
    passed over; ValueError where that is so for all.
    """
    fitted: dict[int, Model] = {}
    bic: dict[int, float | None] = {}
    refusal = ValueError("no number of states was given")
    for n_states in sorted(set(numbers)):
        try:
            fitted[n_states] = make(n_states).fit(X, lengths, progress=progress)
            bic[n_states] = fitted[n_states].bic(X, lengths)
        except ValueError as error:
            refusal, bic[n_states] = error, None
    known = {n_states: value for n_states, value in bic.items() if value is not None}
    if not known:
        raise refusal
    return StateChoice(fitted[min(known, key=lambda n_states: known[n_states])], bic)
