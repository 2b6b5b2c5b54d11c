"""What a labelled source teaches: four classifiers, trained and scored on the same documents, the best of them marked as champion."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from expectations.contracts.ops import LEDGER
from models.labels.parts import TEST, TRAINING, VALIDATION
from models.labels.words import N_SPECIAL, Labelled, WordList
from tasks.labels.data import Examples, LabelledSource, read_examples, write_rare_labels
from tasks.labels.settings import ClassificationSettings
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput, settings_of
from tasks.learning.decisions import write_skip
from tasks.learning.model_store import Score, TrainedModel, write_model
from tasks.learning.training_checkpoints import kept_training
from tasks.learning.training_progress import progress_log

if TYPE_CHECKING:  # PyTorch is loaded by the body alone: planning a run never pays its seconds
    from models.labels.scores import ClassificationScores
    from models.labels.storage import LabelModel

MODULES = ("models.labels.contest", "models.labels.parts")
CROSS_VALIDATION = "cross_validation"
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

    @property
    def stopped_at(self) -> tuple[int, int] | None:
        """Epoch and batch, from 0, of a loss that was no number; None where there was none."""
        stopped: tuple[int, int] | None = getattr(self.model.model, "stopped_at", None)
        return stopped


def training_step(settings: ClassificationSettings) -> Step:
    """The step that trains."""
    return Step("fit_classifiers", MODULES, settings_of(settings))


def fit_classifiers_body(lake: Lake, part: LabelledSource) -> StepOutput:
    """Leave all classifiers of a source with their scores, the best one as champion. Rows are labelled documents.

    The best one is that of the highest accuracy on the validation part, or, where that is small, by cross-validation; never on the test part.

    Set aside are documents without a token and those of labels with too few documents in the training part. Where fewer than two labels
    are left, too few documents, or nothing to hold out, nothing is trained, and the ledger says so.
    """
    examples, step = read_examples(lake, part), training_step(part.settings)
    lines = [write_rare_labels(lake, step, part, examples.rare_labels)] if examples.rare_labels else []
    n_left, rule = len(examples.labelled), examples.why_nothing(part.settings)
    if rule is not None:
        skip = write_skip(
            lake, step, part.source, rule, score=float(n_left), threshold=float(part.settings.fewest_documents)
        )
        return StepOutput(
            (skip, *lines), examples.n_labelled, 0, {**examples.set_aside, **({rule: n_left} if n_left else {})}
        )
    from models.labels.contest import best_kind  # noqa: PLC0415
    from models.labels.storage import KINDS  # noqa: PLC0415
    from models.training.loop import NonFiniteLossError  # noqa: PLC0415

    vectors, n_known = _start_vectors(lake, part, examples.words)
    candidates: dict[str, Candidate] = {}
    for kind in KINDS:
        try:
            candidates[kind] = _candidate(lake, part, examples, vectors, kind)
        except NonFiniteLossError as error:
            lines.append(_write_stop(lake, step, part, (error.epoch, error.batch), outcome="skipped"))
    lines += [
        _write_stop(lake, step, part, one.stopped_at, outcome="changed")
        for one in candidates.values()
        if one.stopped_at is not None
    ]
    crossed = _scores_across(part, examples, vectors, tuple(candidates))
    champion = best_kind(crossed or {kind: one.scores[VALIDATION] for kind, one in candidates.items()})
    files: list[FileRef] = []
    for kind, one in candidates.items():
        scores = {**one.scores, **({CROSS_VALIDATION: crossed[kind]} if kind in crossed else {})}
        rows = _score_rows(scores, candidates.get(BASELINES.get(kind, "")))
        files += write_model(lake, _trained(part, examples, one, rows, n_known=n_known), is_champion=kind == champion)
    return StepOutput((*files, *lines), examples.n_labelled, n_left, examples.set_aside)


def _scores_across(
    part: LabelledSource, examples: Examples, vectors: np.ndarray, kinds: tuple[str, ...]
) -> dict[str, ClassificationScores]:
    """Scores of each of `kinds` by cross-validation over all documents but those of the test part; none where the validation part is large
    enough to choose by. A kind whose training comes to a loss that is no number has none, and is not chosen.
    """
    from models.labels.contest import cross_validated  # noqa: PLC0415
    from models.labels.scores import score_labels  # noqa: PLC0415
    from models.training.loop import NonFiniteLossError  # noqa: PLC0415

    settings = part.settings
    if np.sum(examples.part == VALIDATION) >= settings.parts.fewest_to_choose_by:
        return {}
    documents, folds = examples.labelled.take(examples.part != TEST), examples.folds[examples.part != TEST]
    scores = {}
    for kind in kinds:
        with suppress(NonFiniteLossError):
            said = cross_validated(kind, documents, folds, vectors, settings.classifiers)
            scores[kind] = score_labels(documents.labels, said, settings.classifiers.seed)
    return scores


def _candidate(lake: Lake, part: LabelledSource, examples: Examples, vectors: np.ndarray, kind: str) -> Candidate:
    """The classifier of one kind, trained and scored."""
    from models.labels.contest import fit_kind  # noqa: PLC0415
    from models.labels.scores import score_labels  # noqa: PLC0415
    from models.labels.storage import LabelModel  # noqa: PLC0415

    began, settings = time.perf_counter(), part.settings.classifiers
    report = progress_log(f"labels of {part.source}")
    with kept_training(lake, part.checkpoint) as kept:
        fitted = fit_kind(
            kind, examples.of(TRAINING), examples.of(VALIDATION), vectors, settings, report=report, resume=kept.resume, checkpoint=kept.save,
        )  # fmt: skip
    model = LabelModel(examples.words, examples.labels, fitted)
    said = {name: model.probabilities(examples.of(name).texts) for name in (TEST, VALIDATION)}
    scores = {name: score_labels(examples.of(name).labels, said[name], settings.seed) for name in said}
    shown = _shown(examples.doc_ids[examples.part == TEST], examples.of(TEST), said[TEST], examples.labels)
    return Candidate(model, scores, shown, time.perf_counter() - began)


def _write_stop(lake: Lake, step: Step, part: LabelledSource, stopped_at: tuple[int, int], *, outcome: str) -> FileRef:
    """A line of the ledger that says where the LSTM's loss was no number: that it was left out, or that weights before that were kept."""
    epoch, batch = stopped_at
    line = {
        "subject": f"LSTM of {part.source}", "subject_kind": "batch", "stage": step.name, "outcome": outcome,
        "rule": f"loss_no_number_in_epoch_{epoch + 1}_batch_{batch + 1}", "code_version": step.code_version,
    }  # fmt: skip
    return write_table(lake, "ops.ledger", pa.Table.from_pylist([line], schema=LEDGER.arrow_schema()))


def _start_vectors(lake: Lake, part: LabelledSource, words: WordList) -> tuple[np.ndarray, int]:
    """What the vectors of `words` start from, (V, E) float32, and how many of them have one among the word vectors of the language."""
    from models.labels.classifier import start_vectors  # noqa: PLC0415

    settings = part.settings.classifiers.lstm
    nothing = start_vectors(words.n_ids, np.empty((0, 0), np.float32), np.empty(0, np.int64), settings), 0
    if not part.word_vectors:
        return nothing
    rows = read_table(lake, part.word_vectors, ["lang", "term", "vector"])
    number_of = {word: number for number, word in enumerate(words.words, N_SPECIAL)}
    places = {
        number_of[term]: row
        for row, (lang, term) in enumerate(zip(rows["lang"].to_pylist(), rows["term"].to_pylist(), strict=True))
        if lang == part.lang and term in number_of
    }
    if not places:
        return nothing
    known = rows["vector"].take(list(places.values())).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    numbers = np.array(list(places), np.int64)
    return start_vectors(words.n_ids, known.astype(np.float32).reshape(len(numbers), -1), numbers, settings), len(
        numbers
    )


def _shown(
    doc_ids: np.ndarray, documents: Labelled, probabilities: np.ndarray, labels: tuple[str, ...]
) -> dict[str, list[list[Any]]]:
    """The documents of which the classifier was surest, those where it was right and those where it was wrong: id, label, said, probability."""
    said = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    order = np.lexsort((doc_ids.astype(str), -sure))
    rows = [
        [str(doc_ids[row]), labels[documents.labels[row]], labels[said[row]], round(float(sure[row]), 4)]
        for row in order
    ]
    right = [row for row in rows if row[1] == row[2]]
    return {"right": right[:N_EXAMPLES], "wrong": [row for row in rows if row[1] != row[2]][:N_EXAMPLES]}


def _trained(
    part: LabelledSource, examples: Examples, one: Candidate, scores: list[Score], *, n_known: int
) -> TrainedModel:
    """A candidate as the model store keeps it."""
    from models.labels.storage import LSTM, as_tensors  # noqa: PLC0415

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
    inputs = tuple(sorted(ref.sha256 for ref in (*part.documents, *part.labels, *part.tokens, *part.word_vectors)))
    seed = part.settings.classifiers.seed
    return TrainedModel(one.model.kind, part.lang, seed, settings, part.snapshot_id, inputs, tensors, scores, notes)


def _score_rows(scores: Mapping[str, ClassificationScores], rival: Candidate | None) -> list[Score]:
    """Rows of `scores`: each metric by part of the data, with the ends of its 95 % interval as metrics of their own; on the test part beside
    the rival's.
    """
    rows = []
    for split, of_split in scores.items():
        for metric in ("accuracy", "macro_f1", "log_loss"):
            interval = getattr(of_split, metric)
            beside = (
                (rival.model.kind, getattr(rival.scores[split], metric).value)
                if rival is not None and split == TEST
                else (None, None)
            )
            rows += [
                Score(metric, split, interval.value, *beside), Score(f"{metric}_low", split, interval.low),
                Score(f"{metric}_high", split, interval.high),
            ]  # fmt: skip
    return rows
