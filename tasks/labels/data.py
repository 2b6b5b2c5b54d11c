"""The labelled documents of a source as examples to learn from and to score on; every document that is left out is
counted and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.labels.parts import TEST, TRAINING, VALIDATION, folds_of, parts_of
from models.labels.words import Labelled, WordList, fit_words
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import described_documents, read_words
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord

WITHOUT_TOKEN = "no_token"  # noqa: S105  # no password: of a document that is all white space


@dataclass(frozen=True)
class LabelledSource:
    """What a training reads: a source, the language of most of its labelled documents, the published files of documents
    and labels, those of tokens that hold its documents, and the word vectors of its language (none: random ones start).
    """

    source: str
    lang: str
    documents: tuple[FileRef, ...]
    labels: tuple[FileRef, ...]
    tokens: tuple[FileRef, ...]
    word_vectors: tuple[FileRef, ...]
    snapshot_id: str
    settings: ClassificationSettings

    @property
    def inputs(self) -> tuple[str, ...]:
        """The digests of the files, as models are told of them."""
        files = (*self.documents, *self.labels, *self.tokens, *self.word_vectors)
        return tuple(sorted(ref.sha256 for ref in files))


@dataclass(frozen=True)
class Examples:
    """The documents of a source that can be learned from: `doc_ids` (n,), words and labels, the names of the labels,
    the words known, and the part and the fold of each, (n,). `n_labelled` documents have a label; `set_aside` says why
    not all of them are here; `rare_labels` have too few.
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
    counts = np.bincount(read.codes[is_learned], minlength=len(read.dictionary))
    words = fit_words(read.dictionary, counts, settings.classifiers.words)
    texts = words.encode(read.dictionary, read.codes, read.starts).take(is_kept)
    labelled = Labelled(texts, np.array([number[name] for name in given[is_kept]], np.int64), len(labels))
    doc_ids = np.array(read.doc_ids.to_pylist(), dtype=object)[is_kept]
    set_aside = {WITHOUT_TOKEN: rows.num_rows - len(given), rare_label_rule(settings): sum(rare.values())}
    set_aside = {rule: n for rule, n in set_aside.items() if n}
    return Examples(
        doc_ids=doc_ids,
        labelled=labelled,
        labels=labels,
        words=words,
        part=part_of[is_kept],
        folds=folds[is_kept],
        n_labelled=rows.num_rows,
        set_aside=set_aside,
        rare_labels=rare,
    )


def rare_label_rule(settings: ClassificationSettings) -> str:
    """What is true of a document whose label has too few to be learned."""
    return f"fewer_than_{settings.fewest_of_label}_documents_of_its_label_to_learn_from"


def rare_label_lines(part: LabelledSource, rare: Mapping[str, int]) -> list[dict[str, Any]]:
    """A line of the ledger for each label that is left out, with the number of its documents."""
    rule = {"rule": rare_label_rule(part.settings), "threshold": float(part.settings.fewest_of_label)}
    return [
        {"subject": f"label {label} of {part.source}", "outcome": "set_aside", "score": float(n), **rule}
        for label, n in sorted(rare.items())
    ]


def most_frequent(langs: pa.ChunkedArray) -> str:
    """The most frequent of `langs`, and of several the last by name."""
    counted = Counter(langs.to_pylist())
    return max(counted, key=lambda lang: (counted[lang], lang))


def vectors_of(lake: Lake, embeddings: StageRecord | None, lang: str) -> tuple[FileRef, ...]:
    """The files of word vectors of a language that the stage `embeddings` left; each holds one model's.

    They are not those published: in a run that stage comes between the two publishes, and so the run after a run finds
    the same vectors, and has nothing to do.
    """
    refs = embeddings.tables["word_vectors"] if embeddings is not None else ()
    return tuple(ref for ref in refs if ref.n_rows and lang in read_table(lake, ref, ["lang"])["lang"].to_pylist())
