"""What a labelled source teaches: four classifiers, trained and scored on the same documents, the best of them marked as champion."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.text_classifier_parts import TEST, TRAINING, VALIDATION
from models.text_classifier_words import N_SPECIAL, Labelled, WordList
from tasks.classifier_examples import Examples, LabelledSource, read_examples, write_rare_labels
from tasks.classifier_settings import ClassificationSettings
from tasks.decisions import write_skip
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput, settings_of
from tasks.model_store import Score, TrainedModel, write_model
from tasks.training_progress import progress_log

if TYPE_CHECKING:  # PyTorch is loaded by the body alone: planning a run never pays its seconds
    from models.classification_scores import ClassificationScores
    from models.text_classifier import TextClassifier
    from models.text_classifier_storage import LabelModel
    from models.text_classifier_tfidf import Logistic, Majority, Neighbours

MODULES = ("models.text_classifier_storage", "models.text_classifier_parts", "models.classification_scores")
N_EXAMPLES = 5  # our choice: what a screen shows
BASELINES: Mapping[str, str] = {
    "label_neighbours": "label_majority",
    "label_logistic": "label_majority",
    "label_lstm": "label_logistic",
}
"""What each kind has to beat, on the same documents."""


@dataclass(frozen=True)
class Candidate:
    """A trained classifier, its scores by part, its best and worst documents, and the seconds that it took."""

    model: LabelModel
    scores: Mapping[str, ClassificationScores]
    shown: Mapping[str, list[list[Any]]]
    seconds: float


def training_step(settings: ClassificationSettings) -> Step:
    """The step that trains."""
    return Step("fit_classifiers", MODULES, settings_of(settings))


def fit_classifiers_body(lake: Lake, part: LabelledSource) -> StepOutput:
    """Leave all classifiers of a source with their scores, the best on the validation part as champion. Rows are labelled documents.

    Set aside are documents without a token and those of labels with too few documents in the training part. Where fewer than two labels
    are left, too few documents, or nothing to hold out, nothing is trained, and the ledger says so.
    """
    examples, step = read_examples(lake, part), training_step(part.settings)
    lines = [write_rare_labels(lake, step, part, examples.rare_labels)] if examples.rare_labels else []
    n_left, rule = len(examples.labelled), examples.why_nothing(part.settings)
    if rule is not None:
        skip = write_skip(lake, step, part.source, rule, score=float(n_left), threshold=float(part.settings.fewest_documents))
        return StepOutput((skip, *lines), examples.n_labelled, 0, {**examples.set_aside, **({rule: n_left} if n_left else {})})
    known = _known_vectors(lake, part, examples.words)
    candidates = {one.model.kind: one for one in (_candidate(part, examples, known, kind) for kind in _kinds())}
    champion = max(candidates.values(), key=lambda one: (one.scores[VALIDATION].accuracy.value, -one.scores[VALIDATION].log_loss.value))
    files: list[FileRef] = []
    for one in candidates.values():
        trained = _trained(part, examples, one, candidates, n_known=len(known[1]))
        files += write_model(lake, trained, is_champion=one is champion)
    return StepOutput((*files, *lines), examples.n_labelled, n_left, examples.set_aside)


def _kinds() -> tuple[str, ...]:
    from models.text_classifier_storage import KINDS  # noqa: PLC0415  # loads PyTorch

    return KINDS


def _candidate(part: LabelledSource, examples: Examples, known: tuple[np.ndarray, np.ndarray], kind: str) -> Candidate:
    """The classifier of one kind, trained and scored."""
    from models.classification_scores import score_labels  # noqa: PLC0415
    from models.text_classifier_storage import LabelModel  # noqa: PLC0415

    began = time.perf_counter()
    model = LabelModel(examples.words, examples.labels, _fit(part, examples, known, kind))
    said = {name: model.probabilities(examples.of(name).texts) for name in (VALIDATION, TEST)}
    scores = {name: score_labels(examples.of(name).labels, said[name], part.settings.classifiers.seed) for name in said}
    shown = _shown(examples.doc_ids[examples.part == TEST], examples.of(TEST), said[TEST], examples.labels)
    return Candidate(model, scores, shown, time.perf_counter() - began)


def _fit(
    part: LabelledSource, examples: Examples, known: tuple[np.ndarray, np.ndarray], kind: str
) -> Majority | Neighbours | Logistic | TextClassifier:
    from models.text_classifier import fit_classifier, start_vectors  # noqa: PLC0415
    from models.text_classifier_storage import LOGISTIC, MAJORITY, NEIGHBOURS  # noqa: PLC0415
    from models.text_classifier_tfidf import fit_logistic, fit_majority, fit_neighbours, fit_tfidf  # noqa: PLC0415

    settings, training = part.settings.classifiers, examples.of(TRAINING)
    if kind == MAJORITY:
        return fit_majority(training)
    if kind == NEIGHBOURS:
        return fit_neighbours(fit_tfidf(training.texts, examples.words.n_ids), training, settings.neighbours, settings.seed)
    if kind == LOGISTIC:
        return fit_logistic(fit_tfidf(training.texts, examples.words.n_ids), training, settings.logistic, settings.seed)
    vectors = start_vectors(examples.words.n_ids, *known, settings.lstm)
    return fit_classifier(training, examples.of(VALIDATION), vectors, settings.lstm, progress_log(f"labels of {part.source}"))


def _known_vectors(lake: Lake, part: LabelledSource, words: WordList) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (m, E) float32 of those of `words` that have one, and the words' numbers (m,)."""
    if not part.word_vectors:
        return np.empty((0, 0), np.float32), np.empty(0, np.int64)
    rows = read_table(lake, part.word_vectors, ["lang", "term", "vector"])
    number_of = {word: number for number, word in enumerate(words.words, N_SPECIAL)}
    places = [
        (row, number_of[term])
        for row, (lang, term) in enumerate(zip(rows["lang"].to_pylist(), rows["term"].to_pylist(), strict=True))
        if lang == part.lang and term in number_of
    ]
    chosen = rows["vector"].take([row for row, _ in places]).combine_chunks()
    if not len(chosen):
        return np.empty((0, 0), np.float32), np.empty(0, np.int64)
    vectors = chosen.flatten().to_numpy(zero_copy_only=False).reshape(len(chosen), -1)
    return vectors.astype(np.float32), np.array([number for _, number in places], np.int64)


def _shown(doc_ids: np.ndarray, documents: Labelled, probabilities: np.ndarray, labels: tuple[str, ...]) -> dict[str, list[list[Any]]]:
    """The documents of which the classifier was surest, those where it was right and those where it was wrong: id, label, said, probability."""
    said = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    order = np.lexsort((doc_ids.astype(str), -sure))
    rows = [[str(doc_ids[row]), labels[documents.labels[row]], labels[said[row]], round(float(sure[row]), 4)] for row in order]
    right = [row for row in rows if row[1] == row[2]]
    return {"right": right[:N_EXAMPLES], "wrong": [row for row in rows if row[1] != row[2]][:N_EXAMPLES]}


def _trained(
    part: LabelledSource, examples: Examples, one: Candidate, candidates: Mapping[str, Candidate], *, n_known: int
) -> TrainedModel:
    """A candidate as the model store keeps it."""
    from models.text_classifier_storage import LSTM, as_tensors  # noqa: PLC0415

    tensors, notes = as_tensors(one.model)
    of_part = {name: int(np.sum(examples.part == name)) for name in (TRAINING, VALIDATION, TEST)}
    notes |= {
        "source": part.source, "n_documents": of_part, "n_words": len(examples.words.words), "confusion": one.scores[TEST].confusion.tolist(),
        "examples": dict(one.shown), "set_aside": dict(examples.set_aside), "rare_labels": dict(examples.rare_labels),
        "seconds": round(one.seconds, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # of the whole process; Linux counts in KiB
    }  # fmt: skip
    if one.model.kind == LSTM:
        notes |= {"n_words_with_vectors": n_known}
    settings = {"source": part.source, **settings_of(part.settings)}
    read = (*part.documents, *part.labels, *part.tokens, *part.word_vectors)
    inputs = tuple(sorted(ref.sha256 for ref in read))
    seed = part.settings.classifiers.seed
    scores = [*_score_rows(one, candidates.get(BASELINES.get(one.model.kind, "")), TEST), *_score_rows(one, None, VALIDATION)]
    return TrainedModel(one.model.kind, part.lang, seed, settings, part.snapshot_id, inputs, tensors, scores, notes)


def _score_rows(one: Candidate, rival: Candidate | None, split: str) -> list[Score]:
    """Rows of `scores`: each metric beside the rival's, and the ends of its 95 % interval as metrics of their own."""
    rows = []
    for metric in ("accuracy", "macro_f1", "log_loss"):
        interval = getattr(one.scores[split], metric)
        beside = (rival.model.kind, getattr(rival.scores[split], metric).value) if rival is not None else (None, None)
        rows += [
            Score(metric, split, interval.value, *beside),
            Score(f"{metric}_low", split, interval.low),
            Score(f"{metric}_high", split, interval.high),
        ]
    return rows
