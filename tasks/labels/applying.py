"""The champion at work: labels for the documents that it has not learned from."""

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

from models.labels.parts import TRAINING, PartSettings, parts_of
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import DocumentWords, described_documents, documents_of_files, read_words
from tasks.lake.files import FileRef, canonical_json, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import Batch, StepOutput, StepRecord, cut_by_content
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import MODEL_FILES, read_model

if TYPE_CHECKING:  # PyTorch is loaded by the bodies alone
    from models.labels.storage import LabelModel

# Our choice, on average: half a minute of an LSTM; a process that loads PyTorch for one small file does little else.
TOKENS_AT_ONCE = 2**22


@dataclass(frozen=True)
class PredictionPart:
    """What `predict_labels` reads: a champion, files of tokens, and which documents of those files."""

    model_id: str
    tokens: tuple[FileRef, ...]
    doc_ids: tuple[str, ...]


def applying_batches(
    lake: Lake,
    *,
    judge_classifier: Sequence[StepRecord],
    published_documents: tuple[FileRef, ...],
    published_labels: tuple[FileRef, ...],
    published_tokens: tuple[FileRef, ...],
    settings: ClassificationSettings,
) -> list[Batch]:
    """Some batches for each champion, each of some files of tokens with documents for it: those of its source that it
    has not learned from, and (`predict_for` = `language`) those of its language that have no label. A new document
    redoes the batch of the files around its own.
    """
    champions = [(row, record) for record in judge_classifier for row in champion_rows(lake, [record])]
    if not champions:
        return []
    documents = described_documents(lake, published_documents, published_labels)
    of_files = documents_of_files(lake, published_tokens)
    batches = []
    for row, record in champions:
        trained = json.loads(row["settings"])
        wanted = _wanted(documents, row, trained, settings)
        found = {ref: ids.filter(pc.is_in(ids, value_set=wanted)).to_pylist() for ref, ids in of_files.items()}
        refs = [ref for ref, ids in found.items() if ids]
        n_files = _files_at_once(refs)
        weights = sorted(ref.sha256 for ref in record.files_of(MODEL_FILES))
        for some in cut_by_content(refs, lambda ref: ref.sha256, average=n_files, most=4 * n_files):
            doc_ids = tuple(sorted(doc_id for ref in some for doc_id in found[ref]))
            digest = hashlib.sha256(canonical_json(list(doc_ids))).hexdigest()
            inputs = (row["model_id"], *weights, *(ref.sha256 for ref in some), digest)
            part = PredictionPart(row["model_id"], tuple(some), doc_ids)
            batches.append(Batch(f"{trained['source']}, documents from {doc_ids[0]}", inputs, part))
    return sorted(batches, key=lambda batch: (batch.subject, batch.inputs))


def apply(lake: Lake, part: PredictionPart) -> StepOutput:
    """Leave `predictions` of one champion for documents of some files of tokens. Rows are documents."""
    model, column = read_classifier(lake, part.model_id)
    words = read_words(lake, part.tokens, pa.array(part.doc_ids, pa.string()), column)
    labels, probabilities = predicted(model, words)
    rows = pa.table(
        {
            "model_id": pa.array([part.model_id] * len(labels), pa.string()),
            "doc_id": words.doc_ids,
            "label": pa.array(labels, pa.string()),
            "probability": pa.array(probabilities),
        }
    )
    return StepOutput((write_table(lake, "predictions", rows),), len(part.doc_ids), len(labels))


def read_classifier(lake: Lake, model_id: str) -> tuple[LabelModel, str]:
    """A kept classifier, and the form of a token that is a word to it.

    FileNotFoundError where there is none; LakeError where it is damaged.
    """
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
    """How many of these files of tokens are a batch on average: a power of two, which a file more seldom changes."""
    tokens_a_file = sum(ref.n_rows for ref in refs) / max(len(refs), 1)
    return int(2 ** max(math.floor(math.log2(TOKENS_AT_ONCE / max(tokens_a_file, 1))), 0))


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
