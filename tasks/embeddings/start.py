"""Warm start: which earlier model a training begins with, decided so that a run after a run finds the same answer.

A model learned from the present champion replaces it, and then would be due again, from itself, for ever. So where the
champion was learned from this very corpus, the start is what the champion itself was started from, and its training is
reused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors.numpy

from tasks.embeddings.settings import WORD2VEC, EmbeddingSettings
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.steps import read_json
from tasks.learning.model_store import CARD, WEIGHTS, data_digest


@dataclass(frozen=True)
class Start:
    """An earlier model: its name, a digest of what it is, and the folder of its weights and card, under the home."""

    model_id: str
    path: str


def find_start(lake: Lake, lang: str, inputs: Sequence[str], settings: EmbeddingSettings) -> Start | None:
    """What a training on files with these digests begins with: the published champion of word2vec with the same words
    and dimensions; None without one.
    """
    manifest = read_manifest(lake) if settings.warm_start and settings.model == WORD2VEC else None
    if manifest is None:
        return None
    for row in read_table(lake, manifest.tables["models"]).to_pylist():
        given = json.loads(row["settings"])
        has_size = given.get(WORD2VEC, {}).get("vector_size") == settings.word2vec.vector_size
        is_rival = row["kind"] == WORD2VEC and row["lang"] == lang and row["is_champion"]
        if is_rival and has_size and given.get("column") == settings.column:
            is_of_another = row["data_sha256"] != data_digest(inputs)
            return Start(row["model_id"], row["path"]) if is_of_another else _start_of(lake, row)
    return None


def is_there(lake: Lake, start: Start) -> bool:
    """Whether its weights can still be read: a vacuum may have taken a model that no kept snapshot shows."""
    return (lake.locate(start.path) / WEIGHTS).is_file()


def read_start(lake: Lake, start: Start) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The words of the earlier model, their vectors and their output vectors, row by row."""
    tensors = safetensors.numpy.load_file(lake.locate(start.path) / WEIGHTS)
    words = tensors["words_utf8"].tobytes().decode().split("\n")
    return words, tensors["vectors"], tensors["output_vectors"]


def _start_of(lake: Lake, row: Mapping[str, Any]) -> Start | None:
    """What the model of that row was started from."""
    card = read_json(lake.locate(row["path"]) / CARD) or {}
    started_from = card.get("notes", {}).get("started_from")
    return Start(**started_from) if started_from else None
