"""Draws from any discrete distribution in constant time, by the alias method (Vose 1991).

n       outcomes, numbered from 0
own     (n,) float32: an outcome's column of height 1 is its own up to here, and above
other   (n,) int32:   belongs to this outcome
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.kernels.kernel_cache import kernel, kernel_part
from models.kernels.random_bits import bits_at


class AliasTable(NamedTuple):
    """An alias table; see the legend of the module."""

    own: np.ndarray
    other: np.ndarray


def make_alias_table(weights: np.ndarray) -> AliasTable:
    """The table that draws outcome i with probability weights[i] / sum(weights). Linear in the number of outcomes.

    ValueError where there are no weights, or one is negative or not finite, or all are 0.
    """
    weights = np.asarray(weights, np.float64)
    if weights.size == 0 or not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise ValueError("an alias table needs weights that are finite, not negative, and not all 0")
    own, other = _fill(weights * (weights.size / weights.sum()))
    return AliasTable(own.astype(np.float32), other)


@kernel()
def _fill(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level columns of mean height 1, in place: each low one is filled up from one high one (Vose 1991, section II)."""
    n = height.size
    other = np.arange(n).astype(np.int32)
    low, high = np.empty(n, np.int64), np.empty(n, np.int64)
    n_low = n_high = 0
    for i in range(n):
        if height[i] < 1:
            low[n_low] = i
            n_low += 1
        else:
            high[n_high] = i
            n_high += 1
    while n_low > 0 and n_high > 0:
        n_low -= 1
        i, giver = low[n_low], high[n_high - 1]
        other[i] = giver
        height[giver] -= 1 - height[i]
        if height[giver] < 1:
            n_high -= 1
            low[n_low] = giver
            n_low += 1
    # What is left over is 1 but for rounding.
    for i in low[:n_low]:
        height[i] = 1
    for i in high[:n_high]:
        height[i] = 1
    return height, other


@kernel_part
def draw_at(key: Any, counter: Any, own: Any, other: Any) -> Any:
    """The outcome, int64, drawn by the stream's number at `counter`: its high half is the column, its low is height."""
    bits = bits_at(key, counter)
    column = np.int64(((bits >> np.uint64(32)) * np.uint64(own.size)) >> np.uint64(32))
    height = np.float32(bits & np.uint64(0xFFFFFF)) * np.float32(2.0**-24)
    return column if height < own[column] else np.int64(other[column])
