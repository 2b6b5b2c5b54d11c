"""The classifiers that a source has taught, before one is chosen: their scores beside each other, and what their cards
say.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.labels.parts import TEST, TRAINING, VALIDATION
from models.labels.words import Labelled
from tasks.labels.data import Examples, LabelledSource
from tasks.learning.model_store import Score, TrainedModel, all_settings

if TYPE_CHECKING:  # PyTorch is loaded by the body alone: planning a run never pays its seconds
    from models.labels.scores import ClassificationScores
    from models.labels.storage import LabelModel

N_EXAMPLES = 5  # our choice: what a screen shows
BASELINES: Mapping[str, str] = {
    "label_neighbours": "label_majority",
    "label_logistic": "label_majority",
    "label_lstm": "label_logistic",
}
"""What each kind has to beat, on the same documents."""
METRICS: Mapping[str, Literal["higher", "lower"]] = {"accuracy": "higher", "macro_f1": "higher", "log_loss": "lower"}
"""What is scored, and which way is better."""


@dataclass(frozen=True)
class Candidate:
    """A trained classifier, its scores by part, its best and worst documents, and the seconds that it took."""

    model: LabelModel
    scores: Mapping[str, ClassificationScores]
    shown: Mapping[str, list[list[Any]]]
    seconds: float

    @property
    def stopped_at(self) -> tuple[int, int] | None:
        """Epoch and batch, from 0, of a loss that was no number; None where there was none."""
        stopped: tuple[int, int] | None = getattr(self.model.model, "stopped_at", None)
        return stopped


def shown_documents(
    doc_ids: np.ndarray, documents: Labelled, probabilities: np.ndarray, labels: tuple[str, ...]
) -> dict[str, list[list[Any]]]:
    """The documents of which a classifier was surest, right and wrong: id, label, predicted label, probability."""
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.lexsort((doc_ids.astype(str), -sure))
    rows = [
        [str(doc_ids[row]), labels[documents.labels[row]], labels[predicted[row]], round(float(sure[row]), 4)]
        for row in order
    ]
    right, wrong = [row for row in rows if row[1] == row[2]], [row for row in rows if row[1] != row[2]]
    return {"right": right[:N_EXAMPLES], "wrong": wrong[:N_EXAMPLES]}


def trained_model(
    part: LabelledSource, examples: Examples, one: Candidate, scores: list[Score], *, n_known: int
) -> TrainedModel:
    """A candidate as the model store keeps it; `n_known` words started from word vectors."""
    from models.labels.storage import LSTM, as_tensors  # noqa: PLC0415

    tensors, notes = as_tensors(one.model)
    notes |= {
        "source": part.source,
        "n_documents": {name: int(np.sum(examples.part == name)) for name in (TRAINING, VALIDATION, TEST)},
        "n_words": len(examples.words.words),
        "confusion": one.scores[TEST].confusion.tolist(),
        "examples": dict(one.shown),
        "set_aside": dict(examples.set_aside),
        "rare_labels": dict(examples.rare_labels),
        "seconds": round(one.seconds, 3),
        # Of the whole process; Linux counts in KiB.
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    if one.model.kind == LSTM:
        notes |= {"n_words_with_vectors": n_known}
    return TrainedModel(
        kind=one.model.kind,
        lang=part.lang,
        seed=part.settings.classifiers.seed,
        settings={"source": part.source, **all_settings(part.settings)},
        snapshot_id=part.snapshot_id,
        inputs=part.inputs,
        tensors=tensors,
        scores=scores,
        notes=notes,
    )


def score_rows(scores: Mapping[str, ClassificationScores], rival: Candidate | None) -> list[Score]:
    """Rows of `scores`: each metric by part of the data, with the ends of its 95 % interval as metrics of their own; on
    the test part beside the rival's.
    """
    rows = []
    for split, of_split in scores.items():
        for metric, better in METRICS.items():
            interval = getattr(of_split, metric)
            baseline, value = None, None
            if rival is not None and split == TEST:
                baseline, value = rival.model.kind, getattr(rival.scores[split], metric).value
            rows += [
                Score(metric, split, interval.value, baseline, value, better=better),
                Score(f"{metric}_low", split, interval.low),
                Score(f"{metric}_high", split, interval.high),
            ]
    return rows
