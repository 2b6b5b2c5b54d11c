"""Which documents are learned from and which are scored on, decided by their text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_FOLDS = 3  # one to ask about, one to stop by, one to learn from
TRAINING, VALIDATION, TEST = "training", "validation", "test"


@dataclass(frozen=True)
class PartSettings:
    """Shares of the documents that are held out: to stop training and choose by (`validation_share`), and to score on
    (`test_share`).

    Where the validation part has fewer documents than `fewest_to_choose_by`, the choice is by cross-validation in
    `n_folds` over all that is not scored on: eleven documents told the best of four classifiers no better than dice
    would.
    """

    validation_share: float = 0.1
    test_share: float = 0.2
    fewest_to_choose_by: int = 100
    n_folds: int = 3

    def __post_init__(self) -> None:
        """ValueError where the shares leave nothing to learn from, or the folds are too few to learn, stop and ask."""
        if min(self.validation_share, self.test_share) < 0 or self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share must be 0 or more, and together less than 1")
        if self.n_folds < FEWEST_FOLDS:
            raise ValueError(f"n_folds must be {FEWEST_FOLDS} or more, not {self.n_folds}")


def parts_of(digests: Sequence[str], settings: PartSettings) -> np.ndarray:
    """TRAINING, VALIDATION or TEST of each document, (n,) str, by the SHA-256 (hex) of its text.

    So copies of a text are in one part, whatever else comes or goes; and a text that was held out once is so for every
    later model.
    """
    place = np.array([int(digest[:8], 16) for digest in digests], np.float64) / 16**8
    is_test, is_held_out = place < settings.test_share, place < settings.test_share + settings.validation_share
    return np.where(is_test, TEST, np.where(is_held_out, VALIDATION, TRAINING))


def folds_of(digests: Sequence[str], n_folds: int) -> np.ndarray:
    """The fold of each document, (n,) from 0 to n_folds - 1, by other digits of the digest than the part."""
    return np.array([int(digest[8:16], 16) % n_folds for digest in digests], np.int64)
