"""Checkpoints of a training: files in the home from which it goes on after a kill, to the same bytes.

They lie in `models/.<fingerprint>.part/`: the weights, as safetensors, under a name of their own for each checkpoint,
and `checkpoint.json`, which names those in force. Both are put there in one step, weights first; so a kill at any
instant leaves the last checkpoint or the one before. The folder's name says to vacuum and doctor that it is unfinished
work: once nobody has written in it for a day, it goes.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from models.training.state import TrainingState
from tasks.lake.files import TEMPORARY, settle, temporary_file, write_json
from tasks.lake.layout import Lake
from tasks.lake.steps import read_json

STATE = "checkpoint.json"


@dataclass
class Checkpoints:
    """The checkpoints of the task whose fingerprint is `name`; a new one comes `every_s` seconds after the last."""

    lake: Lake
    name: str
    every_s: float
    seconds_before: float = 0.0  # that training took up to the checkpoint from which it went on
    _written_at: float = field(default_factory=time.monotonic)
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long training took up to now, that before a kill included."""
        return self.seconds_before + time.monotonic() - self._began

    def load(self) -> TrainingState | None:
        """The state of the last checkpoint; None where there is none or it cannot be read: training starts anew."""
        kept = read_json(self._folder / STATE)
        if kept is None:
            return None
        try:
            tensors = safetensors.numpy.load_file(self._folder / str(kept["weights"]))
            self.seconds_before = float(kept["seconds"])
            return TrainingState(tensors, dict(kept["notes"]))
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
            return None

    def save(self, state: TrainingState) -> None:
        """Write a checkpoint, if it is time."""
        if time.monotonic() - self._written_at < self.every_s:
            return
        weights = f"{time.time_ns()}.safetensors"
        with temporary_file(self._folder) as temporary:
            tensors = {name: np.ascontiguousarray(tensor) for name, tensor in state.tensors.items()}
            safetensors.numpy.save_file(tensors, temporary)
            settle(temporary, self._folder / weights)
        notes = {"weights": weights, "notes": dict(state.notes), "seconds": round(self.seconds, 3)}
        write_json(self._folder / STATE, notes)
        for older in self._folder.glob("*.safetensors"):
            if older.name != weights:
                older.unlink(missing_ok=True)
        self._written_at = time.monotonic()

    def remove(self) -> None:
        """Remove them all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.lake.models / f".{self.name}{TEMPORARY}"
