"""Classifiers at work: two of them compared on the documents that are held out today, and the champion's labels for documents."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.labels.parts import TEST, TRAINING, PartSettings, parts_of
from tasks.labels.data import LabelledSource
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import DocumentWords, described_documents, documents_of_files, read_words
from tasks.lake.files import FileRef, canonical_json, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import read_manifest
from tasks.lake.steps import Step, StepOutput, StepRecord, Work, cut_by_content
from tasks.learning.champions import Comparison, Contest, NotComparableError, champion_rows, judge
from tasks.learning.model_store import MODEL_FILES, read_model

if TYPE_CHECKING:  # PyTorch is loaded by the bodies alone
    from models.labels.storage import LabelModel

JUDGING_MODULES = ("models.labels.storage", "models.labels.parts", "models.labels.scores")
PREDICTION_STEP = Step("predict_labels", ("models.labels.storage", "models.labels.parts"))

TOKENS_AT_ONCE = (
    2**22
)  # our choice, on average: half a minute of an LSTM; a process that loads PyTorch for one small file does little else


@dataclass(frozen=True)
class PredictionPart:
    """What `predict_labels` reads: a champion, files of tokens, and which documents of those files."""

    model_id: str
    tokens: tuple[FileRef, ...]
    doc_ids: tuple[str, ...]


def judge_classifier_body(lake: Lake, contest: Contest) -> StepOutput:
    """The verdict on the best of the classifiers that a source has just taught, beside the one that is published for it."""
    return judge(lake, contest, compare_classifiers)


def compare_classifiers(lake: Lake, contest: Contest, new_id: str, present_id: str) -> Sequence[Comparison]:
    """Accuracy and macro F1 of both on the documents of the source that are held out today, which neither has learned from.

    A label that a model does not know is never right. NotComparableError where the champion cannot be read any more.
    """
    from models.labels.scores import confusion, macro_f1  # noqa: PLC0415

    part: LabelledSource = contest.payload
    rows = described_documents(lake, part.documents, part.labels)
    rows = rows.filter(pc.and_(pc.equal(rows["source"], part.source), pc.is_valid(rows["label"])))
    is_test = parts_of(rows["content_sha256"].to_pylist(), part.settings.parts) == TEST
    rows = rows.filter(pa.array(is_test))
    label_of = dict(zip(rows["doc_id"].to_pylist(), rows["label"].to_pylist(), strict=True))
    scores = []
    for model_id in (new_id, present_id):
        try:
            model, column = read_classifier(lake, model_id)
        except (FileNotFoundError, LakeError) as error:
            raise NotComparableError(str(error)) from error
        words = read_words(lake, part.tokens, rows["doc_id"].combine_chunks(), column)
        if not len(words.doc_ids):
            return []
        said, _ = predicted(model, words)
        truth = [label_of[doc_id] for doc_id in words.doc_ids.to_pylist()]
        names = {name: place for place, name in enumerate(sorted({*truth, *model.labels}))}
        table = confusion(np.array([names[one] for one in truth]), np.array([names[one] for one in said]), len(names))
        scores.append({"accuracy": float(np.trace(table) / table.sum()), "macro_f1": macro_f1(table)})
    return [Comparison(metric, TEST, scores[0][metric], scores[1][metric]) for metric in scores[0]]


def prediction_works(lake: Lake, judged: Sequence[StepRecord], settings: ClassificationSettings) -> list[Work]:
    """Some works for each champion, each on some files of tokens with documents for it: those of its source that it has not learned from,
    and (`predict_for` = `language`) those of its language that have no label. A new document redoes the work on the files around its own.
    """
    champions = [(row, record) for record in judged for row in champion_rows(lake, [record])]
    manifest = read_manifest(lake)
    if manifest is None or not champions:
        return []
    documents = described_documents(lake, manifest.tables["documents"], manifest.tables["labels"])
    of_files = documents_of_files(lake, manifest.tables["tokens"])
    works = []
    for row, record in champions:
        trained = json.loads(row["settings"])
        wanted = _wanted(documents, row, trained, settings)
        for_it = {
            ref: inside.filter(pc.is_in(inside, value_set=wanted)).to_pylist() for ref, inside in of_files.items()
        }
        refs = [ref for ref, doc_ids in for_it.items() if doc_ids]
        n_files = _files_at_once(refs)
        for batch in cut_by_content(refs, lambda ref: ref.sha256, average=n_files, most=4 * n_files):
            doc_ids = tuple(sorted(doc_id for ref in batch for doc_id in for_it[ref]))
            digest = hashlib.sha256(canonical_json(list(doc_ids))).hexdigest()
            inputs = (row["model_id"], *_weights(record), *(ref.sha256 for ref in batch), digest)
            part = PredictionPart(row["model_id"], tuple(batch), doc_ids)
            works.append(Work(PREDICTION_STEP, f"{trained['source']}, documents from {doc_ids[0]}", inputs, part))
    return sorted(works, key=lambda work: (work.subject, work.inputs))


def predict_labels_body(lake: Lake, part: PredictionPart) -> StepOutput:
    """Leave `predictions` of one champion for documents of some files of tokens. Rows are documents."""
    model, column = read_classifier(lake, part.model_id)
    words = read_words(lake, part.tokens, pa.array(part.doc_ids, pa.string()), column)
    labels, probabilities = predicted(model, words)
    rows = pa.table(
        {
            "model_id": pa.array([part.model_id] * len(labels), pa.string()), "doc_id": words.doc_ids,
            "label": pa.array(labels, pa.string()), "probability": pa.array(probabilities),
        }
    )  # fmt: skip
    return StepOutput((write_table(lake, "predictions", rows),), len(part.doc_ids), len(labels))


def read_classifier(lake: Lake, model_id: str) -> tuple[LabelModel, str]:
    """A kept classifier, and the form of a token that is a word to it. FileNotFoundError where there is none; LakeError where it is damaged."""
    from models.labels.storage import ClassifierError, from_tensors  # noqa: PLC0415

    tensors, card = read_model(lake, model_id)
    try:
        return from_tensors(tensors, card["notes"]), str(card["settings"]["column"])
    except (ClassifierError, KeyError) as error:
        raise LakeError(f"the model {model_id} cannot be used: {error}") from error


def predicted(model: LabelModel, words: DocumentWords) -> tuple[list[str], np.ndarray]:
    """The label of each document and its probability, (n,)."""
    if not len(words.doc_ids):
        return [], np.empty(0)
    probabilities = model.probabilities(model.words.encode(words.dictionary, words.codes, words.starts))
    best = probabilities.argmax(axis=1)
    return [model.labels[place] for place in best], probabilities[np.arange(len(best)), best]


def _files_at_once(refs: Sequence[FileRef]) -> int:
    """How many of these files of tokens are read by one work on average: a power of two, so that a file more seldom changes it."""
    tokens_a_file = sum(ref.n_rows for ref in refs) / max(len(refs), 1)
    return int(2 ** max(math.floor(math.log2(TOKENS_AT_ONCE / max(tokens_a_file, 1))), 0))


def _weights(record: StepRecord) -> list[str]:
    return sorted(ref.sha256 for ref in record.files_of(MODEL_FILES))


def _wanted(
    documents: pa.Table, row: Mapping[str, Any], trained: Mapping[str, Any], settings: ClassificationSettings
) -> pa.Array:
    """The documents for which this champion predicts."""
    is_own = pc.equal(documents["source"], trained["source"])
    is_labelled = pc.is_valid(documents["label"])
    part = parts_of(documents["content_sha256"].to_pylist(), PartSettings(**trained["parts"]))
    is_learned = pc.and_(pc.and_(is_own, is_labelled), pa.array(part == TRAINING))
    is_wanted = pc.and_not(is_own, is_learned)
    if settings.predict_for == "language":
        is_wanted = pc.or_(is_wanted, pc.and_not(pc.equal(documents["lang"], row["lang"]), is_labelled))
    return documents["doc_id"].filter(is_wanted).combine_chunks()
