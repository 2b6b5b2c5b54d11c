"""Many sequences in parts that threads share, cut by what the data are: any number of threads gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from models.hmm.vectors import N_LANES

NUMBERS = 2**18
"""Log-likelihoods of a part, 2 MB: what is computed of them on the way stays in the last cache, and what a call costs
is nothing beside it. Measured on 500,000 steps of four states: half and twice as many differ by a tenth.
"""

KEPT = 31 * 2**17
"""Numbers, 31 MB: a little below the largest block that glibc can be taught to keep."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Part:
    """Some sequences in a row, and their steps: slices of what has a row a sequence, and of what has one a step."""

    sequences: slice
    steps: slice


def parts_of(lengths: np.ndarray, n_states: int, least: int = 0) -> list[Part]:
    """The sequences of `lengths` (one at least) in parts of NUMBERS log-likelihoods and of `least` steps or more, each
    of as many sequences as lanes can share.
    """
    least = max(least, NUMBERS // n_states)
    ends = np.cumsum(lengths)
    last_ones = np.append(np.arange(N_LANES, len(lengths), N_LANES), len(lengths))  # where a part may end
    steps_then = ends[last_ones - 1]
    parts, begin, done = [], 0, 0
    while begin < len(lengths):
        place = min(int(np.searchsorted(steps_then, done + least)), len(last_ones) - 1)
        end, until = int(last_ones[place]), int(steps_then[place])
        parts.append(Part(slice(begin, end), slice(done, until)))
        begin, done = end, until
    return parts


def of_parts(work: Callable[[Part], Found], parts: Sequence[Part], n_threads: int) -> list[Found]:
    """What `work` gives for each part, in their order."""
    # Blocks of the size that a part needs glibc gives back to the system when they are freed, and gets them anew page
    # by page, which takes twice as long as what is computed in them; once it has freed a large block it keeps what is
    # smaller (mallopt(3), M_MMAP_THRESHOLD).
    np.empty(KEPT)
    if n_threads < 2 or len(parts) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(min(n_threads, len(parts))) as threads:
        return list(threads.map(work, parts))


def total(found: Sequence[Any]) -> Any:
    """The sum, added in order."""
    first, *others = found
    for other in others:
        first = first + other
    return first
