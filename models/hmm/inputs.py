"""What users give to a model, checked; ValueError, in a sentence with its remedy, where it cannot be used.

Letters as in `models.hmm.estimator`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

UNKNOWN = -1


def checked_steps(X: Any, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
    """X as an array of numbers, (T, D), and `lengths` as int64, one sequence where None."""
    X = np.asarray(X)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"X must be a matrix of steps and columns with at least one of each, its shape is {X.shape}")
    lengths = np.array([len(X)]) if lengths is None else np.atleast_1d(np.asarray(lengths))
    if not np.issubdtype(lengths.dtype, np.integer) or lengths.min(initial=1) < 1 or lengths.sum() != len(X):
        raise ValueError(
            f"lengths must be positive integers that add up to the {len(X)} rows of X, they add up to {lengths.sum()}"
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold numbers, it holds {X.dtype}: number the symbols, for instance with numpy.unique")
    if X.dtype.kind == "f" and np.isinf(X).any():
        raise ValueError("X holds an infinite value: mark missing ones as NaN")
    return X, lengths.astype(np.int64)


def checked_states(states: Any, n_steps: int, n_states: int) -> np.ndarray | None:
    """The known state of each step, (T,), UNKNOWN where it is not; None where none is."""
    if states is None:
        return None
    states = np.asarray(states)
    if states.shape != (n_steps,) or not np.issubdtype(states.dtype, np.integer):
        raise ValueError(
            f"states must be {n_steps} integers, one for each row of X, they are {states.dtype} of shape {states.shape}"
        )
    if states.min() < UNKNOWN or states.max() >= n_states:
        raise ValueError(
            f"states must be from 0 to {n_states - 1}, or -1 where unknown: there is {states.min()} or {states.max()}"
        )
    return states


def require_sums_of_1(name: str, probabilities: np.ndarray) -> None:
    """ValueError where a row of `probabilities` is negative or does not sum to 1."""
    if np.any(probabilities < 0) or not np.allclose(probabilities.sum(axis=-1), 1.0):
        raise ValueError(f"{name} must hold probabilities that sum to 1, the sums are {probabilities.sum(axis=-1)}")
