"""Warm start: which earlier model a training begins with, decided so that a run after a run finds the same answer.

A model learned from the present champion replaces it, and then would be due again, from itself, for ever. So where the champion was
learned from this very corpus, the start is what the champion itself was started from, and its training stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors.numpy

from tasks.embeddings.settings import WORD2VEC, EmbeddingSettings
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import Manifest
from tasks.lake.steps import read_json
from tasks.learning.model_store import data_digest

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Start:
    """An earlier model: its name, which is the digest of what it is, and the folder where its weights and card lie, under the home."""

    model_id: str
    path: str


def find_start(
    lake: Lake, manifest: Manifest, lang: str, files: Sequence[FileRef], settings: EmbeddingSettings
) -> Start | None:
    """What a training on `files` begins with: the published champion of word2vec with the same words and dimensions; None without one."""
    if not settings.warm_start or settings.model != WORD2VEC:
        return None
    for row in read_table(lake, manifest.tables["models"]).to_pylist():
        given = json.loads(row["settings"])
        is_fit = (
            given.get("column") == settings.column
            and given.get(WORD2VEC, {}).get("vector_size") == settings.word2vec.vector_size
        )
        if row["kind"] == WORD2VEC and row["lang"] == lang and row["is_champion"] and is_fit:
            if row["data_sha256"] != data_digest(tuple(ref.sha256 for ref in files)):
                return Start(row["model_id"], row["path"])
            return _start_of(lake, row)
    return None


def is_there(lake: Lake, start: Start) -> bool:
    """Whether its weights can still be read: a vacuum may have taken a model that no kept snapshot shows."""
    return (lake.locate(start.path) / WEIGHTS).is_file()


def read_start(lake: Lake, start: Start) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The words of the earlier model, their vectors and their output vectors, row by row."""
    tensors = safetensors.numpy.load_file(lake.locate(start.path) / WEIGHTS)
    words = tensors["words_utf8"].tobytes().decode().split("\n")
    return words, tensors["vectors"], tensors["output_vectors"]


def _start_of(lake: Lake, row: dict[str, Any]) -> Start | None:
    """What the model of that row was started from."""
    card = read_json(lake.locate(row["path"]) / "card.json") or {}
    started_from = card.get("notes", {}).get("started_from")
    return Start(**started_from) if started_from else None
