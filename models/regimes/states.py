"""Hidden states of mobility put in order and named, and how far they agree with the policy of the day."""

from __future__ import annotations

import numpy as np

RESIDENTIAL = "residential"
MIDDLE_NAMES = {1: ("restricted",), 2: ("eased", "restricted"), 3: ("eased", "restricted", "strict")}


def restriction_level(means: np.ndarray, categories: tuple[str, ...]) -> np.ndarray:
    """How far each state lies from the baseline, percent, (S,): the mean fall of visits, with time at home counted as a
    fall.

    `means` (S, D) in percent of the baseline, columns as in `categories`.
    """
    sign = np.array([1.0 if category == RESIDENTIAL else -1.0 for category in categories])
    return (means * sign).mean(axis=1)


def state_names(n_states: int) -> tuple[str, ...]:
    """Names from `baseline` (state 0, also alone) to `lockdown` (the last); from six on the middle is numbered."""
    if n_states == 1:
        return ("baseline",)
    n_middle = n_states - 2
    middle = MIDDLE_NAMES.get(n_middle, tuple(f"restricted_{k}" for k in range(1, n_middle + 1)))
    return ("baseline", *middle, "lockdown")


def change_points(states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The steps, int64, on which a state is another than on the step before, within sequences of the given lengths."""
    starts = np.zeros(len(states), bool)
    starts[np.cumsum(lengths) - lengths] = True
    return np.flatnonzero((np.diff(states, prepend=states[:1]) != 0) & ~starts)


def mean_duration(states: np.ndarray, lengths: np.ndarray) -> float:
    """Mean number of days that a state lasts before another follows, over sequences of the given lengths."""
    return len(states) / (len(change_points(states, lengths)) + len(lengths))
