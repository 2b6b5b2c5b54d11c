"""Which kind of classifier is the best for some documents: all trained alike, and judged on unseen documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from models.labels.classifier import fit_classifier
from models.labels.scores import ClassificationScores
from models.labels.settings import ClassifierSettings
from models.labels.storage import LOGISTIC, MAJORITY, NEIGHBOURS, AnyClassifier
from models.labels.tfidf import fit_logistic, fit_majority, fit_neighbours, fit_tfidf
from models.labels.words import Labelled
from models.training.checkpoint import Checkpoint
from models.training.loop import Progress


def fit_kind(
    kind: str,
    training: Labelled,
    stopping: Labelled,
    vectors: np.ndarray,
    settings: ClassifierSettings,
    *,
    report: Callable[[Progress], None] | None = None,
    resume: Checkpoint | None = None,
    checkpoint: Callable[[Checkpoint], None] | None = None,
) -> AnyClassifier:
    """A classifier of one of KINDS, trained on `training`. The LSTM starts from `vectors` (V, E), is stopped by its
    loss on `stopping`, and alone knows what to do with `report`, `resume` and `checkpoint`.
    """
    if kind == MAJORITY:
        return fit_majority(training)
    if kind == NEIGHBOURS:
        return fit_neighbours(fit_tfidf(training.texts, len(vectors)), training, settings.neighbours, settings.seed)
    if kind == LOGISTIC:
        return fit_logistic(fit_tfidf(training.texts, len(vectors)), training, settings.logistic, settings.seed)
    return fit_classifier(
        training, stopping, vectors, settings.lstm, report=report, resume=resume, checkpoint=checkpoint
    )


def cross_validated(
    kind: str, documents: Labelled, folds: np.ndarray, vectors: np.ndarray, settings: ClassifierSettings
) -> np.ndarray:
    """Probabilities (n, K) of each document by a classifier that was trained without the documents of its fold.

    `folds` (n,) counts from 0, three or more; the LSTM is stopped by the fold after the one that it is asked about.
    """
    n_folds = int(folds.max()) + 1
    predicted = np.zeros((len(documents), documents.n_labels))
    for fold in range(n_folds):
        is_stopping = folds == (fold + 1) % n_folds
        # What is not stopped has no use for documents to stop by, and learns from them.
        is_training = folds != fold if kind in {MAJORITY, NEIGHBOURS, LOGISTIC} else (folds != fold) & ~is_stopping
        model = fit_kind(kind, documents.take(is_training), documents.take(is_stopping), vectors, settings)
        predicted[folds == fold] = model.probabilities(documents.texts.take(folds == fold))
    return predicted


def best_kind(scores: Mapping[str, ClassificationScores]) -> str:
    """The kind of the highest accuracy, among equals of the lowest log loss, among those still equal the first."""
    return max(scores, key=lambda kind: (scores[kind].accuracy.value, -scores[kind].log_loss.value))
