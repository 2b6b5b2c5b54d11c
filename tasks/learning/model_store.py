"""Models on disk: weights as safetensors, a card as JSON, and their rows in `models` and `scores`. Nothing is ever
pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import safetensors.numpy

from expectations.contracts.learning import MODELS, SCORES
from tasks.lake.files import FileRef, canonical_json, write_bytes, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import StepRecord

WEIGHTS, CARD = "model.safetensors", "card.json"
MODEL_FILES = "model_files"  # the working table under which weights and cards are kept from vacuum


@dataclass(frozen=True)
class Score:
    """A score of a model on a part of the data, what it is compared with, and which way is better: `higher`, `lower`,
    or `near` a target (a coverage near 0.80); None where no way is, as of a count.
    """

    metric: str
    split: str
    value: float
    baseline: str | None = None
    baseline_value: float | None = None
    better: Literal["higher", "lower", "near"] | None = None
    target: float | None = None


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
        return data_digest(self.inputs)

    @cached_property
    def model_id(self) -> str:
        """Kind, language, and first 12 hex digits of the digest of data, settings, seed and weights: the same model has
        the same name.
        """
        digest = hashlib.sha256(canonical_json([self.data_sha256, dict(self.settings), self.seed]))
        for name, array in sorted(self.tensors.items()):
            digest.update(canonical_json([name, array.dtype.str, array.shape]) + _row_major(array).tobytes())
        return "-".join(part for part in (self.kind, self.lang, digest.hexdigest()[:12]) if part)


def all_settings(value: Any) -> dict[str, Any]:
    """Every field of a settings dataclass, as the card tells them: those under which the model was trained."""
    return asdict(value)


def weights_of(record: StepRecord, row: Mapping[str, Any]) -> FileRef:
    """The weights of the model that `row` of `models` tells of, among the files of a record."""
    return next(ref for ref in record.files_of(MODEL_FILES) if ref.path == f"{row['path']}/{WEIGHTS}")


def data_digest(inputs: Sequence[str]) -> str:
    """What `models.data_sha256` says of a model that was trained on files with these digests, in this order."""
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def write_model(lake: Lake, model: TrainedModel, *, is_champion: bool = True) -> tuple[FileRef, ...]:
    """Keep `model`: weights and card, a row of `models`, its rows of `scores`; returns all files.

    `is_champion` is False for a model that another one trained beside it, for the same, has beaten.

    Weights (`model.safetensors`) and card (`card.json`) lie in `models/<model_id>/<digest of both>/`, which
    `models.path` names, and never change: what is trained again lies beside it, and older snapshots find theirs.
    """
    trained_at = datetime.now(UTC)
    card = {field.name: getattr(model, field.name) for field in fields(model) if field.name != "tensors"} | {
        "scores": [asdict(score) for score in model.scores],
        "model_id": model.model_id,
        "data_sha256": model.data_sha256,
        "trained_at": trained_at.isoformat(),
        "tensors": {name: list(array.shape) for name, array in model.tensors.items()},
    }
    weights = safetensors.numpy.save({name: _row_major(array) for name, array in model.tensors.items()})
    described = canonical_json(card) + b"\n"
    folder = lake.models / model.model_id / hashlib.sha256(weights + described).hexdigest()[:12]
    files = tuple(_keep(lake, folder / name, content) for name, content in ((WEIGHTS, weights), (CARD, described)))
    row = {
        "model_id": model.model_id,
        "kind": model.kind,
        "lang": model.lang,
        "trained_at": trained_at,
        "seed": model.seed,
        "settings": canonical_json(dict(model.settings)).decode(),
        "snapshot_id": model.snapshot_id,
        "data_sha256": model.data_sha256,
        "path": folder.relative_to(lake.home).as_posix(),
        "is_champion": is_champion,
    }
    scores = [{"model_id": model.model_id, **asdict(score)} for score in model.scores]
    return (
        *files,
        write_table(lake, "models", pa.Table.from_pylist([row], schema=MODELS.arrow_schema())),
        write_table(lake, "scores", pa.Table.from_pylist(scores, schema=SCORES.arrow_schema())),
    )


def read_model(lake: Lake, model_id: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights by name, and the card, of a kept model; where it was trained more than once, of the last time.

    FileNotFoundError where there is none of that name, LakeError where its files are damaged.
    """
    try:
        return _read_last(lake, model_id)
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise LakeError(f"the model {model_id} is damaged ({error}): run `tidemill doctor`") from error


def _read_last(lake: Lake, model_id: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    cards = [(json.loads(path.read_bytes()), path) for path in lake.locate(f"models/{model_id}").glob(f"*/{CARD}")]
    if not cards:
        raise FileNotFoundError(f"no model is called {model_id} in {lake.models}")
    card, path = max(cards, key=lambda found: str(found[0]["trained_at"]))
    return safetensors.numpy.load_file(path.with_name(WEIGHTS)), card


def _row_major(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, order="C")  # not `ascontiguousarray`, which makes a row of a single number


def _keep(lake: Lake, path: Path, content: bytes) -> FileRef:
    write_bytes(path, content)
    return FileRef(
        MODEL_FILES, path.relative_to(lake.home).as_posix(), 0, len(content), hashlib.sha256(content).hexdigest()
    )
