"""Text classifiers as arrays by name and notes that JSON has a form for, and back. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from scipy import sparse

from models.labels.classifier import TextClassifier, TextNetwork
from models.labels.settings import LstmSettings
from models.labels.tfidf import Logistic, Majority, Neighbours, Tfidf
from models.labels.words import Texts, WordList
from models.training.loop import Epoch, TrainingHistory
from models.training.settings import TrainingSettings

MAJORITY, NEIGHBOURS, LOGISTIC, LSTM = "label_majority", "label_neighbours", "label_logistic", "label_lstm"
KINDS = (MAJORITY, NEIGHBOURS, LOGISTIC, LSTM)
"""Kinds of classifiers, the simplest first."""

SEPARATOR = "\n"  # no token holds one
Tensors = Mapping[str, np.ndarray]
AnyClassifier = Majority | Neighbours | Logistic | TextClassifier


class ClassifierError(ValueError):
    """Arrays and notes that are no text classifier of this code."""


@dataclass(frozen=True)
class LabelModel:
    """A classifier of any kind with the words it knows and its labels, in the order of its probabilities."""

    words: WordList
    labels: tuple[str, ...]
    model: AnyClassifier

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return {Majority: MAJORITY, Neighbours: NEIGHBOURS, Logistic: LOGISTIC, TextClassifier: LSTM}[type(self.model)]

    def probabilities(self, texts: Texts) -> np.ndarray:
        """(n, K) float64 of documents encoded by `words`."""
        return self.model.probabilities(texts)


def as_tensors(classifier: LabelModel) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays (words as UTF-8 bytes), and labels and what else the kind needs."""
    notes: dict[str, Any] = {"kind": classifier.kind, "labels": list(classifier.labels)}
    tensors: dict[str, np.ndarray] = {
        "words_utf8": np.frombuffer(SEPARATOR.join(classifier.words.words).encode(), np.uint8)
    }
    match classifier.model:
        case Majority() as majority:
            return tensors | {"shares": majority.shares}, notes
        case Neighbours() as near:
            rows = {"rows_data": near.rows.data, "rows_indices": near.rows.indices, "rows_indptr": near.rows.indptr}
            rows |= {
                "shape": np.array(near.rows.shape),
                "idf": near.tfidf.idf,
                "labels": near.labels,
                "shares": near.shares,
            }
            return tensors | rows, notes | {"k": near.k}
        case Logistic() as logistic:
            return tensors | {"idf": logistic.tfidf.idf, "weights": logistic.weights, "bias": logistic.bias}, notes | {
                "c": logistic.c
            }
        case TextClassifier() as lstm:
            weights = {f"network.{name}": tensor.numpy() for name, tensor in lstm.network.state_dict().items()}
            return tensors | weights, notes | {
                "lstm_settings": asdict(lstm.settings),
                "history": lstm.history.as_notes(),
                "stopped_at": lstm.stopped_at,
            }


def from_tensors(tensors: Tensors, notes: Mapping[str, Any]) -> LabelModel:
    """The classifier that `as_tensors` took apart. ClassifierError where the arrays or notes are others'."""
    try:
        text = tensors["words_utf8"].tobytes().decode()
        words = WordList(tuple(text.split(SEPARATOR)) if text else ())
        labels = tuple(str(label) for label in notes["labels"])
        model = _READERS[notes["kind"]](tensors, notes)
        # A document of no words and one of all words: whatever does not fit, fails here and not at a user's document.
        texts = Texts(np.arange(words.n_ids, dtype=np.int32), np.array([0, 0, words.n_ids]))
        if model.probabilities(texts).shape != (2, len(labels)):
            raise ClassifierError("this classifier's arrays do not fit its labels: train it again")
    except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
        raise ClassifierError(
            f"this is no text classifier, or its arrays are others' ({error}): train it again"
        ) from error
    return LabelModel(words, labels, model)


def _majority(tensors: Tensors, _notes: Mapping[str, Any]) -> Majority:
    return Majority(tensors["shares"])


def _neighbours(tensors: Tensors, notes: Mapping[str, Any]) -> Neighbours:
    parts = (tensors["rows_data"], tensors["rows_indices"], tensors["rows_indptr"])
    rows = sparse.csr_array(parts, shape=tuple(tensors["shape"].tolist()))
    return Neighbours(Tfidf(tensors["idf"]), rows, tensors["labels"], tensors["shares"], int(notes["k"]))


def _logistic(tensors: Tensors, notes: Mapping[str, Any]) -> Logistic:
    return Logistic(Tfidf(tensors["idf"]), tensors["weights"], tensors["bias"], float(notes["c"]))


def _lstm(tensors: Tensors, notes: Mapping[str, Any]) -> TextClassifier:
    kept = dict(notes["lstm_settings"])
    settings = LstmSettings(**{**kept, "training": TrainingSettings(**kept["training"])})
    weights = {
        name.removeprefix("network."): torch.from_numpy(array)
        for name, array in tensors.items()
        if name.startswith("network.")
    }
    network = TextNetwork(weights["embedding.weight"], len(notes["labels"]), settings)
    network.load_state_dict(weights)
    epochs = tuple(Epoch(**{name: epoch[name] for name in _EPOCH}) for epoch in notes["history"]["epochs"])
    history = TrainingHistory(epochs, notes["history"]["best_epoch"], notes["history"]["is_stopped_early"])
    return TextClassifier(network, settings, history, tuple(notes["stopped_at"]) if notes["stopped_at"] else None)


_EPOCH = tuple(field.name for field in fields(Epoch))
_READERS: Mapping[str, Callable[[Tensors, Mapping[str, Any]], AnyClassifier]] = {
    MAJORITY: _majority,
    NEIGHBOURS: _neighbours,
    LOGISTIC: _logistic,
    LSTM: _lstm,
}
