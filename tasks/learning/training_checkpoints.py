"""Checkpoints of a network's training in the home, from which it goes on after a kill, to the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.training.state import TrainingState
from tasks.lake.checkpoints import Checkpoints
from tasks.lake.layout import Lake

if TYPE_CHECKING:  # which loads PyTorch
    from models.training.checkpoint import Checkpoint

SECONDS_BETWEEN_CHECKPOINTS = 60.0  # our choice: what a kill may cost


@dataclass(frozen=True)
class KeptTraining:
    """What a training goes on from (None: from the start), and what keeps its checkpoints."""

    resume: Checkpoint | None
    save: Callable[[Checkpoint], None]


@contextmanager
def kept_training(lake: Lake, name: str, every_s: float = SECONDS_BETWEEN_CHECKPOINTS) -> Iterator[KeptTraining]:
    """The last checkpoint of the training `name` (the fingerprint of its task), and a keeper of the next ones.

    All are gone at the end, where all went well.
    """
    import torch  # noqa: PLC0415  # whose seconds only a training pays

    from models.training.checkpoint import Checkpoint  # noqa: PLC0415

    kept = Checkpoints(lake, name, every_s)
    state = kept.load()
    resume = None
    if state is not None:
        tensors = {tensor: torch.from_numpy(array.copy()) for tensor, array in state.tensors.items()}
        resume = Checkpoint(tensors, state.notes)

    def save(checkpoint: Checkpoint) -> None:
        tensors = {tensor: value.numpy() for tensor, value in checkpoint.tensors.items()}
        kept.save(TrainingState(tensors, checkpoint.notes))

    yield KeptTraining(resume, save)
    kept.remove()
