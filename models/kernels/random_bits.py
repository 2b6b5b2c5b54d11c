"""Random numbers that are a function of a key and a counter, so that whoever asks, in whatever order, gets the same
ones.

    key       64 bits that name a stream of numbers: made of seed, epoch and purpose by `stream_key`
    counter   place in the stream, any integer

SplitMix64 (Steele, Lea, Flood 2014, figure 17) read at any place: its state after n steps is key + n * GOLDEN, and
`mix` of the state is the output. Fit for simulation, not for secrets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.kernels.kernel_cache import kernel_part

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio, odd (the same, figure 17)


@kernel_part
def mix(state: Any) -> Any:
    """64 bits of which each depends on every bit of the uint64 `state` (Stafford's variant 13, as in SplitMix64)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@kernel_part
def bits_at(key: Any, counter: Any) -> Any:
    """64 random bits, uint64."""
    return mix(key + np.uint64(counter) * GOLDEN)


@kernel_part
def share_at(key: Any, counter: Any) -> Any:
    """A float32 from 0 up to, not including, 1, in steps of 2 ** -24."""
    return np.float32(bits_at(key, counter) >> np.uint64(40)) * np.float32(2.0**-24)


@kernel_part
def below_at(key: Any, counter: Any, bound: Any) -> Any:
    """An int64 from 0 up to, not including, `bound` (at most 2 ** 32), even to within 2 ** -32."""
    return np.int64(((bits_at(key, counter) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


def stream_key(*names: int) -> np.uint64:
    """The key of the stream called by these integers, in this order."""
    key = 0
    for name in names:
        key = _mix((key + name + int(GOLDEN)) % 2**64)
    return np.uint64(key)


def _mix(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)
