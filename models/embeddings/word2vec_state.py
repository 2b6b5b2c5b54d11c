"""Where training of word2vec begins and goes on: start vectors of an earlier model, and states to resume from.

state    `inputs` and `outputs`, float32, as wide as the kernels take them, the very matrices that training goes on
         to change; in its notes the digests, and the sums of each epoch begun. Training that goes on from a state
         of any moment leaves the same bytes as training that was never interrupted
digest   SHA-256, by which a state knows settings, corpus and start vectors again
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.embeddings.word2vec_epochs import EpochSums
from models.training.state import TrainingState

DIGEST_BYTES = 1 << 24  # hashed at a time, so that a memory map is read in pieces
PARTS = {"settings": "settings", "corpus": "corpus", "start": "start vectors"}


class TrainingStateError(ValueError):
    """A state that is not one of this training; the message says what differs."""


@dataclass(frozen=True, eq=False)
class WarmStart:
    """An earlier model's vectors, from which words that it knew start.

    rows: (n_types,) for each token id of the new corpus the row of its word in the earlier model, -1 where the word is
    new. New words start as in training without it: small random vectors, outputs of 0. vectors: (n_earlier,
    vector_size) of the new settings' size.
    output_vectors: the same of words as targets, for a model with negatives; None for one with a tree, whose inner
    nodes stand for other words in each vocabulary and so start at 0. The learning rate is that of the settings: with an
    alpha below the usual one the vectors stay nearer to where they were.
    """

    rows: np.ndarray
    vectors: np.ndarray
    output_vectors: np.ndarray | None = None


def set_warm(matrices: tuple[np.ndarray, np.ndarray], words: np.ndarray, start: WarmStart, vector_size: int) -> None:
    """Put the earlier vectors into the input and output rows of the words (their token ids) that have them.

    TrainingStateError where sizes do not fit.
    """
    rows = np.asarray(start.rows)
    if words.max() >= rows.size:
        raise TrainingStateError(f"the warm start gives rows for {rows.size} token ids, and the corpus has more")
    if len(matrices[1]) != words.size and start.output_vectors is not None:
        raise TrainingStateError(
            "output vectors of an earlier model go into a model with negatives alone: leave them out"
        )
    known = np.flatnonzero(rows[words] >= 0)
    for matrix, vectors in zip(matrices, (start.vectors, start.output_vectors), strict=True):
        if vectors is None:
            continue
        if vectors.shape != (len(start.vectors), vector_size) or rows.max(initial=-1) >= len(vectors):
            raise TrainingStateError(
                f"the warm start's vectors, {vectors.shape}, do not fit its rows or vector_size={vector_size}"
            )
        if not np.isfinite(vectors).all():
            raise TrainingStateError("the warm start's vectors are not all finite")
        matrix[known, :vector_size] = vectors[rows[words[known]]]


def digests_of(
    settings: Mapping[str, Any], corpus: Sequence[np.ndarray], start: Sequence[np.ndarray]
) -> dict[str, str]:
    """What a state must agree with: the `settings` that results depend on; `corpus` and `start`, maybe memory maps."""
    told = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()
    return {"settings": told, "corpus": _digest(corpus), "start": _digest(start)}


def state_of(
    digests: Mapping[str, str], epochs: Sequence[EpochSums], matrices: tuple[np.ndarray, np.ndarray]
) -> TrainingState:
    """The state of this moment; `epochs` are those begun, the last of them up to now."""
    sums = [[done.loss, done.n_pairs, done.n_words, done.n_tokens, done.n_rounds] for done in epochs]
    return TrainingState(dict(zip(("inputs", "outputs"), matrices, strict=True)), {**digests, "epochs": sums})


def restore(
    state: TrainingState, digests: Mapping[str, str], matrices: tuple[np.ndarray, np.ndarray]
) -> list[EpochSums]:
    """The sums of the epochs begun; the matrices take the state's numbers. TrainingStateError for another training."""
    for part, name in PARTS.items():
        if state.notes.get(part) != digests[part]:
            raise TrainingStateError(f"the kept state belongs to training with other {name}: train from the start")
    for name, matrix in zip(("inputs", "outputs"), matrices, strict=True):
        kept = state.tensors.get(name)
        if kept is None or kept.shape != matrix.shape or kept.dtype != matrix.dtype:
            raise TrainingStateError(f"the kept state's {name} have another form: train from the start")
        matrix[:] = kept
    return [EpochSums(*sums) for sums in state.notes["epochs"]]


def _digest(arrays: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        numbers = array.reshape(-1)
        step = DIGEST_BYTES // max(array.itemsize, 1)
        for first in range(0, numbers.size, step):
            digest.update(np.ascontiguousarray(numbers[first : first + step]).data)
    return digest.hexdigest()
