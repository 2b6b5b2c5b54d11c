"""Checkpoints of a training: tensors by name and notes that JSON has a form for, so that they can be kept without
pickle.

Tensors: `module.*` and `best.*` (weights now, and at the best validation), `optimiser.<place>.*` by place of the
parameter, and `generator.*` (states of the generators). All are copies on the processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from models.training.settings import TrainingSettings

MAY_DIFFER = frozenset({"epochs", "patience", "device"})  # a training may be resumed to go on for longer, or elsewhere


class CheckpointError(ValueError):
    """A checkpoint that does not fit the module or the settings with which training goes on; the message says where."""


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a training between two epochs. `notes`: settings, history, and what early stopping counts."""

    tensors: Mapping[str, torch.Tensor]
    notes: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors under `prefix`, by the rest of their names; empty where there are none."""
        return {
            name.removeprefix(f"{prefix}."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{prefix}.")
        }


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the module's state dictionary on the processor."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in module.state_dict().items()}


def make_checkpoint(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    generators: Mapping[str, torch.Tensor],
    best: Mapping[str, torch.Tensor],
    notes: Mapping[str, Any],
) -> Checkpoint:
    """A checkpoint of what is given, which later training leaves as it is."""
    tensors = {f"module.{name}": tensor for name, tensor in weights_of(module).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    tensors |= {f"generator.{name}": state.clone() for name, state in generators.items()}
    for place, state in optimiser.state_dict()["state"].items():
        tensors |= {
            f"optimiser.{place}.{key}": value.detach().to("cpu", copy=True)
            for key, value in state.items()
            if value is not None
        }
    return Checkpoint(tensors, notes)


def restore(
    checkpoint: Checkpoint, module: nn.Module, optimiser: torch.optim.Optimizer, settings: TrainingSettings
) -> None:
    """Set `module` and `optimiser` to `checkpoint`. CheckpointError for another module or other settings."""
    given, kept = asdict(settings), checkpoint.notes["settings"]
    changed = sorted(name for name in given if name not in MAY_DIFFER and kept.get(name) != given[name])
    if changed:
        raise CheckpointError(
            f"the checkpoint was made with other settings ({', '.join(changed)}): resume with the same"
        )
    try:
        module.load_state_dict(checkpoint.part("module"))
    except RuntimeError as error:
        raise CheckpointError(f"the checkpoint is of another module: {error}") from error
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in checkpoint.part("optimiser").items():
        place, key = name.split(".", 1)
        # Formats without numbers on their own bring a count of steps back as a row of one.
        state.setdefault(int(place), {})[key] = tensor.reshape(()).clone() if key == "step" else tensor.clone()
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
