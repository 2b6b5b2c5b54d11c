"""Settings of training by gradient descent, apart from the loop itself, so that planning a run never loads PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


class TrainingSettingsError(ValueError):
    """A setting out of range; the message names it."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a module is trained.

    epochs: at most. learning_rate: at its highest; `schedule` lowers it: by `cosine` to 0 at the last batch, or
    (`plateau`) by `plateau_factor` whenever the validation has been no better for `plateau_patience` epochs; for the
    first `warm_up_share` of all batches it rises from 0. clip_norm: bound on the Euclidean norm of all gradients
    together; clip_value: bound on each number of them, applied before; 0 = none. patience: epochs without a better
    validation after which training stops; 0 = never.
    chunk_length: steps of time after which back propagation is cut (truncated BPTT); 0 = never. carry_state: whether a
    batch starts with the state in which the batch before it ended, because it goes on where that one stopped. threads:
    of PyTorch; another number gives other last bits. device: `cpu`, `cuda`, or `auto`: a GPU where there is one.
    """

    epochs: int = 10
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warm_up_share: float = 0.0
    plateau_patience: int = 1
    plateau_factor: float = 0.5
    clip_norm: float = 1.0
    clip_value: float = 0.0
    patience: int = 0
    chunk_length: int = 0
    carry_state: bool = False
    seed: int = 1
    threads: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        """TrainingSettingsError naming the first setting that is out of range."""
        for name in ("epochs", "threads"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("weight_decay", "plateau_patience", "clip_norm", "clip_value", "patience", "chunk_length"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more, not {getattr(self, name)}")
        _require(
            0 < self.learning_rate < math.inf, f"learning_rate must be above 0 and finite, not {self.learning_rate}"
        )
        _require(0 <= self.warm_up_share < 1, f"warm_up_share must be 0 or more and below 1, not {self.warm_up_share}")
        _require(0 < self.plateau_factor < 1, f"plateau_factor must lie between 0 and 1, not {self.plateau_factor}")


def _require(holds: bool, message: str) -> None:  # noqa: FBT001  # reads as a sentence where it is called
    if not holds:
        raise TrainingSettingsError(message)


def learning_rate(settings: TrainingSettings, share_done: float, plateau_scale: float = 1.0) -> float:
    """The learning rate when `share_done` (0 to 1) of all batches are done; `plateau_scale`: what plateaus left."""
    if share_done < settings.warm_up_share:
        return settings.learning_rate * share_done / settings.warm_up_share
    if settings.schedule == "cosine":
        share = (share_done - settings.warm_up_share) / (1.0 - settings.warm_up_share)
        return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
    return settings.learning_rate * (plateau_scale if settings.schedule == "plateau" else 1.0)
