"""A small lake, published twice, and how a command ended: for the tests of the command line."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from support.lake_rows import stage_of, write_rows
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
VINTAGE, OLD_VINTAGE = "a" * 64, "b" * 64
MILL, FERRY, COPY = "1" * 16, "2" * 16, "3" * 16
MODEL = "word2vec-en-000000000000"


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def publish_shore(folder: Path) -> Path:
    """A home with the snapshots 000001 (one document) and 000002 (two documents and all about them)."""
    lake = Lake.open(folder)
    mill = document(MILL, "texts/mill.txt", "The tide mill grinds corn. The mill stands by the sea.", "The mill")
    # A title from outside that would clear the reader's screen, and markup that is not ours.
    ferry = document(FERRY, "texts/ferry.txt", "The ferry crosses the sea.", "\x1b[2Jferry [red]")
    publish(lake, [stage_of("documents", write_rows(lake, "documents", [mill]))], "first")
    publish(lake, [documents_stage(lake, [mill, ferry]), features_stage(lake), embeddings_stage(lake)], "second")
    return lake.home


def document(doc_id: str, uri: str, text: str, title: str) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "source": "shore",
        "uri": uri,
        "kind": "text",
        "lang": "en",
        "lang_confidence": 1.0,
        "title": title,
        "text": text,
        "n_chars": len(text),
        "n_words": len(text.split()),
        "content_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "extractor": "plain",
        "fetched_at": WHEN,
    }


def documents_stage(lake: Lake, documents: list[dict[str, Any]]) -> StageRecord:
    vintages = [
        {
            "source": "shore",
            "uri": "texts/mill.txt",
            "vintage": sha[:12],
            "raw_sha256": sha,
            "n_bytes": 55,
            "fetched_at": fetched,
        }
        for sha, fetched in ((VINTAGE, WHEN), (OLD_VINTAGE, datetime(2026, 2, 1, tzinfo=UTC)))
    ]
    decision = {
        "subject": COPY,
        "subject_kind": "document",
        "stage": "write_duplicates",
        "outcome": "set_aside",
        "rule": "exact_copy",
        "score": 1.0,
        "threshold": 1.0,
        "code_version": "0" * 12,
    }
    broken = [
        {
            "quarantine_id": "4" * 16,
            "table_name": "documents",
            "rule": "text_empty",
            "message": "no text: \x1b[31mred",
            "raw_row": "{}",
            "source": "shore",
            "uri": "texts/empty.txt",
        },
        {
            "quarantine_id": "5" * 16,
            "table_name": "mobility",
            "rule": "change_pct_below_-100.0",
            "message": "too low: mend the file",
            "raw_row": '{"change_pct": -140}',
            "source": "reports",
            "uri": "report.csv#7",
        },
    ]
    files = {
        "documents": documents,
        "duplicates": [{"doc_id": COPY, "kept_doc_id": MILL, "similarity": 1.0, "method": "exact"}],
        "labels": [{"doc_id": MILL, "label": "trade"}],
        "ops.ledger": [decision],
        "ops.quarantine": broken,
        "ops.vintages": vintages,
    }
    return stage_of("documents", *(write_rows(lake, table, rows) for table, rows in files.items()))


def features_stage(lake: Lake) -> StageRecord:
    def word(norm: str, stem: str) -> dict[str, Any]:
        return {"norm": norm, "stem": stem, "lemma": norm, "is_stop": norm == "the"}

    words = [word("the", "the"), word("tide", "tide"), word("mill", "mill"), word("sea", "sea")]
    weighted = [(MILL, "mill", 2, 0.9), (MILL, "sea", 1, 0.3), (FERRY, "sea", 1, 0.8)]
    files = {
        "tokens": [
            {"doc_id": MILL, "position": n, "sentence": 0, "token": w["norm"], **w} for n, w in enumerate(words)
        ],
        "vocabulary": [{"lang": "en", **w, "n_occurrences": 2, "n_documents": 1} for w in words],
        "terms": [
            {"lang": "en", "term": term, "n_occurrences": 2, "n_documents": 1, "idf": 1.4}
            for term in ("mill", "sea", "tide")
        ],
        "tfidf": [
            {"doc_id": doc_id, "term": term, "n_occurrences": n, "weight": weight}
            for doc_id, term, n, weight in weighted
        ],
    }
    return stage_of("features", *(write_rows(lake, table, rows) for table, rows in files.items()))


def embeddings_stage(lake: Lake) -> StageRecord:
    vectors = {"mill": [1.0, 0.0], "tide": [0.9, 0.1], "ferry": [0.0, 1.0]}
    model = {
        "model_id": MODEL,
        "kind": "word2vec",
        "lang": "en",
        "trained_at": WHEN,
        "seed": 1,
        "settings": "{}",
        "snapshot_id": "000001",
        "data_sha256": "c" * 64,
        "path": f"models/{MODEL}",
        "is_champion": True,
    }
    rows = [
        {"model_id": MODEL, "lang": "en", "term": term, "n_occurrences": 3, "vector": vector}
        for term, vector in vectors.items()
    ]
    return stage_of("embeddings", write_rows(lake, "word_vectors", rows), write_rows(lake, "models", [model]))
