"""Which documents are learned from and which are scored on, decided by their text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TRAINING, VALIDATION, TEST = "training", "validation", "test"


@dataclass(frozen=True)
class PartSettings:
    """Shares of the documents that are held out: to stop training and choose by (`validation_share`), and to score on (`test_share`)."""

    validation_share: float = 0.1
    test_share: float = 0.2


def parts_of(digests: Sequence[str], settings: PartSettings) -> np.ndarray:
    """TRAINING, VALIDATION or TEST of each document, (n,) str, by the SHA-256 (hex) of its text.

    So copies of a text are in one part, whatever else comes or goes; and a text that was held out once is so for every later model.
    """
    place = np.array([int(digest[:8], 16) for digest in digests], np.float64) / 16**8
    is_test, is_held_out = place < settings.test_share, place < settings.test_share + settings.validation_share
    return np.where(is_test, TEST, np.where(is_held_out, VALIDATION, TRAINING))
