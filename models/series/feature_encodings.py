"""Encodings and scalings as frozen values: fitted once, on the training part alone, kept in a model's card, and never
changed by what comes later.

Two words that are often mixed up: min-max scaling brings values to 0..1 by their extremes ("normalisation");
standardisation brings them to mean 0 and standard deviation 1. NaN means missing: it takes no part in a fit and stays
NaN, until `with_mask` puts 0 in its place. Arrays are (..., D), float64, last axis = columns; nothing is changed in
place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

WEEK = 7


@dataclass(frozen=True)
class MinMax:
    """Lowest and highest value of each column, (D,)."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """Of the training part (n, D). A column without a value has 0 and 1."""
        columns = _columns(values)
        return cls(
            tuple(float(c.min()) if len(c) else 0.0 for c in columns),
            tuple(float(c.max()) if len(c) else 1.0 for c in columns),
        )

    def encode(self, values: np.ndarray) -> np.ndarray:
        """0 at the lowest of the training part, 1 at its highest, outside 0..1 beyond them; 0 in a constant column."""
        low, high = np.array(self.low), np.array(self.high)
        return np.where(high > low, values - low, 0.0 * values) / np.where(high > low, high - low, 1.0)

    def decode(self, encoded: np.ndarray) -> np.ndarray:
        """The values again; a constant column gives its constant."""
        low, high = np.array(self.low), np.array(self.high)
        return low + encoded * (high - low)


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of each column, (D,); the deviation is never 0."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """Of the training part (n, D). A column without a value has mean 0; without one or constant, deviation 1."""
        columns = _columns(values)
        # The mean of equal floats may differ from them in the last bit: their deviation is then tiny, and dividing by
        # it a disaster.
        spread = (float(c.std()) if len(c) and c.min() < c.max() else 0.0 for c in columns)
        return cls(tuple(float(c.mean()) if len(c) else 0.0 for c in columns), tuple(std or 1.0 for std in spread))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Distances from the mean, in standard deviations."""
        return (values - np.array(self.mean)) / np.array(self.std)

    def decode(self, encoded: np.ndarray) -> np.ndarray:
        """The values again."""
        return np.array(self.mean) + encoded * np.array(self.std)


@dataclass(frozen=True)
class OneHot:
    """The kinds that the training part knew, sorted."""

    kinds: tuple[str, ...]

    @classmethod
    def fit(cls, values: Iterable[str]) -> Self:
        """Of the values of the training part, in any order, repeated or not."""
        return cls(tuple(sorted(set(values))))

    def numbers(self, values: Sequence[str]) -> np.ndarray:
        """The place of each value among the kinds, int64 (n,), for an embedding; `len(kinds)` for an unknown one."""
        place = {kind: number for number, kind in enumerate(self.kinds)}
        return np.array([place.get(value, len(self.kinds)) for value in values], dtype=np.int64)

    def encode(self, values: Sequence[str]) -> np.ndarray:
        """One row a value, (n, kinds): 1 at its kind, 0 elsewhere; all 0 for a kind that training never saw."""
        return np.eye(len(self.kinds) + 1)[self.numbers(values)][:, :-1]


def plus_minus(is_true: np.ndarray) -> np.ndarray:
    """+1 where true, -1 where not: of the same size either way, where 0 would silence the weight of "not"."""
    return np.where(is_true, 1.0, -1.0)


def weekday_cycle(day: np.ndarray) -> np.ndarray:
    """Sine and cosine of the weekday of days since 1970-01-01, (..., 2): Sunday lies beside Monday."""
    angle = 2 * np.pi * (day % WEEK) / WEEK
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def with_mask(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`values` with 0 where they are missing, and whether they are there, bool, of the same shape."""
    is_there = ~np.isnan(values)
    return np.where(is_there, values, 0.0), is_there


def to_card(fitted: MinMax | Standard | OneHot) -> dict[str, Any]:
    """A fitted value as a card keeps it, JSON's own types; `from_card` gives it back, bit for bit."""
    return {"encoding": type(fitted).__name__, **{name: list(part) for name, part in asdict(fitted).items()}}


def from_card(card: Mapping[str, Any]) -> MinMax | Standard | OneHot:
    """The fitted value that `to_card` described. KeyError for an encoding of another name or without its parts."""
    kinds: dict[str, type[MinMax | Standard | OneHot]] = {kind.__name__: kind for kind in (MinMax, Standard, OneHot)}
    kind = kinds[card["encoding"]]
    return kind(**{name: tuple(card[name]) for name in kind.__dataclass_fields__})


def _columns(values: np.ndarray) -> list[np.ndarray]:
    """The values of each column that are there."""
    return [column[~np.isnan(column)] for column in values.reshape(-1, values.shape[-1]).T]
