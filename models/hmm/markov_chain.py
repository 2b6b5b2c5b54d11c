"""Markov chains of any order over numbered states: fitted by counting, predicted, sampled, scored.

Legend
    S             number of states, k the order: how many states before decide the next
    history       the last k states, as one number in base S, oldest first
    P[h, j]       probability of state j after history h, shape (S**k, S)
    start[h]      probability that a sequence begins with history h, shape (S**k,)

A chain of order k is a chain of first order over histories, which is how it is carried forward. Deliberately not here:
hidden states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.hmm.core import stationary_distribution

MOST_HISTORIES = 2**22  # rows of P; beyond that orders need another representation


@dataclass(frozen=True)
class MarkovChain:
    """A fitted chain: `start` (S**k,) and `P` (S**k, S), rows sum to 1."""

    start: np.ndarray
    P: np.ndarray

    @property
    def n_states(self) -> int:
        """S."""
        return int(self.P.shape[1])

    @property
    def order(self) -> int:
        """The k of the legend."""
        order, n_histories = 0, 1
        while n_histories < len(self.P):
            order, n_histories = order + 1, n_histories * self.n_states
        return max(order, 1)

    def log_likelihood(self, sequence: np.ndarray) -> float:
        """Log probability of a sequence of k states or more; -inf if it is impossible. ValueError for a shorter one."""
        histories = _histories(np.asarray(sequence), self.n_states, self.order)
        with np.errstate(divide="ignore"):  # what is impossible has log 0
            return float(
                np.log(self.start[histories[0]])
                + np.log(self.P[histories[:-1], np.asarray(sequence)[self.order :]]).sum()
            )

    def predict(self, recent: np.ndarray, n_steps: int) -> np.ndarray:
        """The distribution over states `n_steps` (1 or more) after the last of the k or more states `recent`, (S,)."""
        ahead = np.zeros(len(self.P))
        ahead[_histories(np.asarray(recent), self.n_states, self.order)[-1]] = 1.0
        for _ in range(n_steps - 1):
            ahead = self._carried(ahead)
        return np.asarray(ahead @ self.P)

    def stationary_distribution(self) -> np.ndarray:
        """The distribution over states (S,) that further steps leave unchanged; of several the one of least norm."""
        n_histories, n_states = self.P.shape
        A = np.zeros((n_histories, n_histories))
        histories, states = np.divmod(np.arange(n_histories * n_states), n_states)
        A[histories, (histories * n_states + states) % n_histories] = self.P.ravel()
        return np.asarray(stationary_distribution(A).reshape(-1, n_states).sum(axis=0))

    def sample(self, n_steps: int, seed: int) -> np.ndarray:
        """A sequence of `n_steps` states, int64, drawn from the chain."""
        rng = np.random.default_rng(seed)
        history = int(rng.choice(len(self.start), p=self.start))
        states = _digits(history, self.n_states, self.order)
        while len(states) < n_steps:
            states.append(int(rng.choice(self.n_states, p=self.P[history])))
            history = (history * self.n_states + states[-1]) % len(self.P)
        return np.array(states[:n_steps], np.int64)

    def _carried(self, ahead: np.ndarray) -> np.ndarray:
        joint = (ahead[:, None] * self.P).reshape(self.n_states, -1)  # the oldest state of each history is forgotten
        return np.asarray(joint.sum(axis=0))


def fit_chain(sequences: Sequence[np.ndarray], n_states: int, order: int = 1, pseudo_count: float = 0.0) -> MarkovChain:
    """The most likely chain of `order`, `pseudo_count` added to every count; a history never seen is followed by every
    state alike.

    Sequences shorter than `order` say nothing. ValueError where none is left, a state is not in 0..n_states-1, or there
    are too many histories.
    """
    if order < 1 or n_states < 1 or n_states**order > MOST_HISTORIES:
        raise ValueError(
            f"{n_states} states and order {order} need {n_states}**{order} rows:"
            f" give an order of 1 or more, and fewer than {MOST_HISTORIES} rows"
        )
    start, counts = np.full(n_states**order, pseudo_count), np.full((n_states**order, n_states), pseudo_count)
    n_used = 0
    for sequence in map(np.asarray, sequences):
        if sequence.size and (sequence.min() < 0 or sequence.max() >= n_states):
            raise ValueError(f"states go from 0 to {n_states - 1}, there is {sequence.min()} or {sequence.max()}")
        if len(sequence) >= order:
            histories = _histories(sequence, n_states, order)
            start[histories[0]] += 1
            np.add.at(counts, (histories[:-1], sequence[order:]), 1.0)
            n_used += 1
    if not n_used:
        raise ValueError(f"no sequence has {order} states or more: there is nothing to learn from")
    total = counts.sum(axis=1, keepdims=True)
    return MarkovChain(
        start / start.sum(), np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1.0 / n_states)
    )


def _histories(sequence: np.ndarray, n_states: int, order: int) -> np.ndarray:
    """The history before each step from the k-th on, and after the last, (T - k + 1,)."""
    if len(sequence) < order:
        raise ValueError(f"a chain of order {order} needs as many states, there are {len(sequence)}")
    windows = np.lib.stride_tricks.sliding_window_view(sequence.astype(np.int64), order)
    return np.asarray(windows @ (n_states ** np.arange(order - 1, -1, -1)))


def _digits(number: int, base: int, n_digits: int) -> list[int]:
    return [number // base**place % base for place in range(n_digits - 1, -1, -1)]
