"""What a document is told by: rows of every section, also where a learner's table is not there."""

from datetime import UTC, datetime

import pytest
from support.lake_rows import labels_of, stage_of, write_rows

from expectations.table_contract import TableContract
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.questions.explanation import SECTIONS, explain_document
from tasks.questions.queries import QueryError

DOC_ID = "a".rjust(16, "0")
DOCUMENT = {
    "doc_id": DOC_ID, "source": "s", "uri": "folder/a.txt", "kind": "text", "lang": "en", "lang_confidence": 1.0,
    "text": "Tides rise.", "n_chars": 11, "n_words": 2, "content_sha256": "0" * 64, "extractor": "plain",
    "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip


def test_the_label_that_came_with_it_stands_before_those_that_were_predicted(lake: Lake) -> None:
    given = {"model_id": "m", "doc_id": DOC_ID, "label": "sport", "probability": 0.75}
    documents = stage_of("documents", write_rows(lake, "documents", [DOCUMENT]), labels_of(lake, a="weather"))
    publish(lake, [documents, stage_of("lstm", write_rows(lake, "predictions", [given]))], "run")
    told = explain_document(lake, "a.txt")
    assert (told.doc_id, told.snapshot_id, tuple(told.sections)) == (DOC_ID, "000001", SECTIONS)
    assert told.sections["labels"] == [
        {"model_id": None, "label": "weather", "probability": None},
        {"model_id": "m", "label": "sport", "probability": 0.75},
    ]


def test_without_a_learner_s_table_the_rest_is_told(lake: Lake, tables: dict[str, TableContract]) -> None:
    for table in ("predictions", "models", "word_vectors"):
        tables.pop(table, None)
    documents = stage_of("documents", write_rows(lake, "documents", [DOCUMENT]), labels_of(lake, a="weather"))
    publish(lake, [documents], "run")
    sections = explain_document(lake, DOC_ID).sections
    assert [row["label"] for row in sections["labels"]] == ["weather"]
    assert sections["document"][0]["uri"] == "folder/a.txt"
    assert sections["models"] == []


def test_a_document_that_is_not_there_is_told(lake: Lake) -> None:
    publish(lake, [], "run")
    with pytest.raises(QueryError, match="no document is called 'a'"):
        explain_document(lake, "a")
