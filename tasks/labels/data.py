"""The labelled documents of a source as examples to learn from and to score on; every document that is left out is counted and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.ops import LEDGER
from models.labels.parts import TEST, TRAINING, VALIDATION, folds_of, parts_of
from models.labels.words import Labelled, WordList, fit_words
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import described_documents, read_words
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step

WITHOUT_TOKEN = "no_token"  # noqa: S105  # no password: of a document that is all white space


@dataclass(frozen=True)
class LabelledSource:
    """What a training reads: a source, the language of most of its labelled documents, the published files of documents and labels, those of
    tokens that hold its documents, and the word vectors of its language (none: random ones start), by the form of a token that is a word;
    and the name of the training's checkpoints.
    """

    source: str
    lang: str
    documents: tuple[FileRef, ...]
    labels: tuple[FileRef, ...]
    tokens: tuple[FileRef, ...]
    word_vectors: tuple[FileRef, ...]
    snapshot_id: str
    settings: ClassificationSettings
    checkpoint: str = "labels"


@dataclass(frozen=True)
class Examples:
    """The documents of a source that can be learned from: `doc_ids` (n,), words and labels, the names of the labels, the words known, and
    the part and the fold of each, (n,). `n_labelled` documents have a label; `set_aside` says why not all of them are here; `rare_labels` have too few.
    """

    doc_ids: np.ndarray
    labelled: Labelled
    labels: tuple[str, ...]
    words: WordList
    part: np.ndarray
    folds: np.ndarray
    n_labelled: int
    set_aside: Mapping[str, int]
    rare_labels: Mapping[str, int]

    def of(self, part: str) -> Labelled:
        """The documents of one part."""
        return self.labelled.take(self.part == part)

    def why_nothing(self, settings: ClassificationSettings) -> str | None:
        """The rule by which nothing can be learned from them; None where it can."""
        if not self.n_labelled:
            return "no_labelled_documents"
        if len(self.labels) < 2:  # noqa: PLR2004  # there is nothing to tell apart
            return "fewer_than_2_labels_to_learn_from"
        if len(self.labelled) < settings.fewest_documents:
            return f"fewer_than_{settings.fewest_documents}_labelled_documents"
        if not all(np.any(self.part == part) for part in (TRAINING, VALIDATION, TEST)):
            return "no_document_held_out"
        return None


def read_examples(lake: Lake, part: LabelledSource) -> Examples:
    """The examples of a source. The words known are those of the training part."""
    settings = part.settings
    rows = described_documents(lake, part.documents, part.labels)
    rows = rows.filter(pc.and_(pc.equal(rows["source"], part.source), pc.is_valid(rows["label"])))
    read = read_words(lake, part.tokens, rows["doc_id"].combine_chunks(), settings.column)
    place = pc.index_in(read.doc_ids, value_set=rows["doc_id"].combine_chunks())
    digests = rows["content_sha256"].take(place).to_pylist()
    part_of, folds = parts_of(digests, settings.parts), folds_of(digests, settings.parts.n_folds)
    given = np.array(rows["label"].take(place).to_pylist(), dtype=object)
    names = sorted(set(given))
    rare = {
        name: int(np.sum(given == name))
        for name in names
        if np.sum((given == name) & (part_of == TRAINING)) < settings.fewest_of_label
    }
    labels = tuple(name for name in names if name not in rare)
    number = {name: place for place, name in enumerate(labels)}
    is_kept = np.array([name in number for name in given], np.bool_)
    is_learned = np.repeat(is_kept & (part_of == TRAINING), np.diff(read.starts))
    words = fit_words(
        read.dictionary, np.bincount(read.codes[is_learned], minlength=len(read.dictionary)), settings.classifiers.words
    )
    texts = words.encode(read.dictionary, read.codes, read.starts).take(is_kept)
    labelled = Labelled(texts, np.array([number[name] for name in given[is_kept]], np.int64), len(labels))
    doc_ids = np.array(read.doc_ids.to_pylist(), dtype=object)[is_kept]
    set_aside = {WITHOUT_TOKEN: rows.num_rows - len(given), rare_label_rule(settings): sum(rare.values())}
    set_aside = {rule: n for rule, n in set_aside.items() if n}
    return Examples(doc_ids, labelled, labels, words, part_of[is_kept], folds[is_kept], rows.num_rows, set_aside, rare)


def rare_label_rule(settings: ClassificationSettings) -> str:
    """What is true of a document whose label has too few to be learned."""
    return f"fewer_than_{settings.fewest_of_label}_documents_of_its_label_to_learn_from"


def write_rare_labels(lake: Lake, step: Step, part: LabelledSource, rare: Mapping[str, int]) -> FileRef:
    """A line of the ledger for each label that is left out, with the number of its documents."""
    lines = [
        {
            "subject": f"label {label} of {part.source}", "subject_kind": "batch", "stage": step.name, "outcome": "set_aside",
            "rule": rare_label_rule(part.settings), "score": float(n), "threshold": float(part.settings.fewest_of_label),
            "code_version": step.code_version,
        }
        for label, n in sorted(rare.items())
    ]  # fmt: skip
    return write_table(lake, "ops.ledger", pa.Table.from_pylist(lines, schema=LEDGER.arrow_schema()))
