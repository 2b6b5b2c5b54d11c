"""Hidden Markov models in a folder of one's own: `model.safetensors` and `card.json`. Models of the lake:
`tasks.learning.model_store`.
"""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
import safetensors.numpy

from models.hmm.estimator import HiddenMarkovModel
from models.hmm.storage import HmmCardError, as_tensors, from_tensors
from tasks.lake.files import canonical_json, write_bytes
from tasks.learning.model_store import CARD, WEIGHTS


def save_hmm(model: HiddenMarkovModel, folder: Path) -> None:
    """Write `model` into `folder`, which is made where it is not there; each file is renamed into place whole."""
    tensors, card = as_tensors(model)
    write_bytes(folder / WEIGHTS, safetensors.numpy.save(tensors))
    write_bytes(folder / CARD, canonical_json(card) + b"\n")


def load_hmm(folder: Path) -> HiddenMarkovModel:
    """The model that `save_hmm` wrote there. FileNotFoundError where there is none, HmmCardError where its files are
    damaged.
    """
    try:
        return from_tensors(
            safetensors.numpy.load((folder / WEIGHTS).read_bytes()), json.loads((folder / CARD).read_bytes())
        )
    except (json.JSONDecodeError, safetensors.SafetensorError) as error:
        raise HmmCardError(f"the model in {folder} is damaged ({error}): save it again") from error
