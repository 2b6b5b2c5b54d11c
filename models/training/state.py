"""The state of a training, whichever learner's, as checkpoints keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything that the rest of a training depends on, besides what it was called with.

    tensors: to be kept as they are; training may go on to change the very arrays that it gives out, so write or `copy`
    them before you return. notes: to be kept as JSON, without loss.
    """

    tensors: Mapping[str, np.ndarray]
    notes: Mapping[str, Any]

    def copy(self) -> TrainingState:
        """The same state in memory of its own."""
        return TrainingState({name: tensor.copy() for name, tensor in self.tensors.items()}, dict(self.notes))
