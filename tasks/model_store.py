"""Models on disk: weights as safetensors, a card as JSON, and their rows in `models` and `scores`. Nothing is ever pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import safetensors.numpy

from expectations.contracts import MODELS, SCORES
from tasks.lake.files import FileRef, canonical_json, digest_file, write_bytes, write_json, write_table
from tasks.lake.layout import Lake

MODEL_FILES = "model_files"  # the working table under which weights and cards are kept from vacuum


@dataclass(frozen=True)
class Score:
    """A score of a model on a part of the data, and what it is compared with."""

    metric: str
    split: str
    value: float
    baseline: str | None = None
    baseline_value: float | None = None


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, ready to be kept: its weights by name, and all that its card says.

    `settings` and `notes` (curves, seconds, names of states, vocabulary of tags) are values that JSON has a form for.
    `inputs` are the digests of the files that it was trained on, in order.
    """

    kind: str
    lang: str | None
    seed: int
    settings: Mapping[str, Any]
    snapshot_id: str
    inputs: tuple[str, ...]
    tensors: Mapping[str, np.ndarray]
    scores: Sequence[Score] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_sha256(self) -> str:
        """SHA-256 over the digests of the files that it read."""
        return hashlib.sha256("\n".join(self.inputs).encode()).hexdigest()

    @property
    def model_id(self) -> str:
        """Kind, language, and first 12 hex digits of the digest of data, settings and seed: the same training has the same name."""
        identity = canonical_json([self.data_sha256, dict(self.settings), self.seed])
        return "-".join(part for part in (self.kind, self.lang, hashlib.sha256(identity).hexdigest()[:12]) if part)


def write_model(lake: Lake, model: TrainedModel) -> tuple[FileRef, ...]:
    """Keep `model`: `models/<model_id>/model.safetensors` and `card.json`, a row of `models`, its rows of `scores`; returns all files."""
    folder = lake.models / model.model_id
    trained_at = datetime.now(UTC)
    card = {key: value for key, value in asdict(model).items() if key != "tensors"}
    card |= {
        "model_id": model.model_id, "data_sha256": model.data_sha256, "trained_at": trained_at.isoformat(),
        "tensors": {name: list(array.shape) for name, array in model.tensors.items()},
    }  # fmt: skip
    tensors = {name: np.ascontiguousarray(array) for name, array in model.tensors.items()}
    write_bytes(folder / "model.safetensors", safetensors.numpy.save(tensors))
    write_json(folder / "card.json", card)
    row = {
        "model_id": model.model_id, "kind": model.kind, "lang": model.lang, "trained_at": trained_at, "seed": model.seed,
        "settings": canonical_json(dict(model.settings)).decode(), "snapshot_id": model.snapshot_id,
        "data_sha256": model.data_sha256, "path": folder.relative_to(lake.home).as_posix(), "is_champion": True,
    }  # fmt: skip
    scores = [{"model_id": model.model_id, **asdict(score)} for score in model.scores]
    return (
        *(_artefact(lake, model.model_id, name) for name in ("model.safetensors", "card.json")),
        write_table(lake, "models", pa.Table.from_pylist([row], schema=MODELS.arrow_schema())),
        write_table(lake, "scores", pa.Table.from_pylist(scores, schema=SCORES.arrow_schema())),
    )


def read_model(lake: Lake, model_id: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights by name, and the card, of a kept model. FileNotFoundError where there is none of that name."""
    folder = lake.locate(f"models/{model_id}")
    return safetensors.numpy.load_file(folder / "model.safetensors"), json.loads((folder / "card.json").read_bytes())


def _artefact(lake: Lake, model_id: str, name: str) -> FileRef:
    path = lake.models / model_id / name
    return FileRef(MODEL_FILES, path.relative_to(lake.home).as_posix(), 0, path.stat().st_size, digest_file(path))
