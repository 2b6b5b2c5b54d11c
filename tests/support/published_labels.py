"""Small published snapshots of labelled documents for the tests of what learns to label."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS, LABELS
from expectations.contracts.embeddings import WORD_VECTORS
from expectations.contracts.text import TOKENS
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.lake.steps import StepRecord

WORDS = {
    "weather": ["fog", "rain", "sun", "breeze", "frost", "cloud"],
    "transport": ["tram", "bridge", "late", "line", "stop", "ticket"],
    "health": ["flu", "nurse", "clinic", "dose", "ward", "pharmacy"],
}
SMALL = ["the", "on", "at", "is", "and", "from"]


@dataclass(frozen=True)
class Document:
    """A document that will be published; without words it has no token."""

    source: str
    label: str | None
    words: tuple[str, ...]
    lang: str = "en"

    @property
    def uri(self) -> str:
        return f"{self.source} {self.label} {' '.join(self.words)}"

    @property
    def doc_id(self) -> str:
        return hashlib.sha256(self.uri.encode()).hexdigest()[:16]

    @property
    def content_sha256(self) -> str:
        return hashlib.sha256(" ".join(self.words).encode()).hexdigest()


def labelled_documents(n, source="messages", labels=("weather", "transport"), seed=1, lang="en"):
    """`n` documents, their labels in turn, words of their label and small ones; without labels where `labels` is of
    Nones.
    """
    draws = np.random.default_rng(seed)
    documents = []
    for number in range(n):
        label = labels[number % len(labels)]
        own = WORDS[label if label is not None else list(WORDS)[number % len(WORDS)]]
        words = [str(draws.choice(own if draws.random() < 0.5 else SMALL)) for _ in range(8)]
        documents.append(Document(source, label, (*words, f"w{number}"), lang))
    return documents


def publish_labelled(lake: Lake, *files: list[Document]) -> None:
    """Publish documents and their labels; a file of documents and one of tokens for each of `files`."""
    tables: dict[str, list[object]] = {"documents": [], "labels": [], "tokens": []}
    for file in files:
        documents = [
            {
                "doc_id": one.doc_id,
                "source": one.source,
                "uri": one.uri,
                "kind": "labelled",
                "lang": one.lang,
                "lang_confidence": 1.0,
                "text": " ".join(one.words) or "…",
                "n_chars": 1,
                "n_words": len(one.words),
                "content_sha256": one.content_sha256,
                "extractor": "labelled_rows",
                "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for one in file
        ]
        labels = [{"doc_id": one.doc_id, "label": one.label} for one in file if one.label is not None]
        tokens = [
            {
                "doc_id": one.doc_id,
                "position": place,
                "sentence": 0,
                "token": word.title(),
                "norm": word,
                "stem": word[:4],
                "lemma": word,
                "is_stop": word in SMALL,
            }
            for one in file
            for place, word in enumerate(one.words)
        ]
        for (name, contract), rows in zip(
            (("documents", DOCUMENTS), ("labels", LABELS), ("tokens", TOKENS)), (documents, labels, tokens), strict=True
        ):
            tables[name].append(write_table(lake, name, pa.Table.from_pylist(rows, schema=contract.arrow_schema())))
    stages = {
        "documents": {"documents": tuple(tables["documents"]), "labels": tuple(tables["labels"])},
        "features": {"tokens": tuple(tables["tokens"])},
    }
    publish(lake, [StageRecord(stage, given, (), 1, 0) for stage, given in stages.items()], "run")


def word_vector_record(lake: Lake, lang: str, vectors: dict[str, list[float]]) -> StepRecord:
    """The record of a step of the stage `embeddings` that left these word vectors."""
    rows = [
        {"model_id": f"word2vec-{lang}", "lang": lang, "term": term, "n_occurrences": 5, "vector": v}
        for term, v in vectors.items()
    ]
    ref = write_table(lake, "word_vectors", pa.Table.from_pylist(rows, schema=WORD_VECTORS.arrow_schema()))
    return StepRecord("train_vectors", lang, lang * 32, "0" * 12, "0" * 64, (), (ref,), len(rows), len(rows), {}, 0.0)
