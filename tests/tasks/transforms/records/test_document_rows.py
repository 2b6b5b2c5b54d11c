"""Records to rows: each becomes a document, or is set aside and told; rows in = documents + set aside."""

import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.contracts.tables import TABLES
from expectations.table_contract import split_rows
from tasks.transforms.records.document_rows import DocumentRows, Origin, make_doc_id
from tasks.transforms.records.parsed_records import Note, ParsedDocument, RejectedRecord, TaggedToken
from tasks.transforms.text.tokens import count_words

FETCHED_AT = datetime(2020, 5, 17, tzinfo=UTC)
ORIGIN = Origin("pages", "jsonl", None, "a.jsonl", "0" * 12, FETCHED_AT)


def rows_of(*records, origin: Origin = ORIGIN):
    rows = DocumentRows("parse_documents", "f" * 12)
    for record in records:
        rows.add(origin, record)
    taken = rows.take()
    assert taken.n_records == taken.n_documents + sum(taken.set_aside.values())
    for name, table in taken.tables.items():
        assert table.schema.equals(TABLES[name].arrow_schema())
        assert split_rows(TABLES[name], table)[2] == []
    return taken


def test_a_document_has_all_its_columns():
    taken = rows_of(
        ParsedDocument(
            "line=3", " Die Züge fahren\r\nheute nicht. \n", 40, "json_lines", "Bahn\u00a0", date(2020, 5, 1), "news"
        )
    )
    (document,) = taken.tables["documents"].to_pylist()
    text = "Die Züge fahren\nheute nicht."
    assert document == {
        "doc_id": hashlib.sha256(b"pages\0a.jsonl#line=3").hexdigest()[:16],
        "source": "pages",
        "uri": "a.jsonl#line=3",
        "kind": "jsonl",
        "lang": "de",
        "lang_confidence": document["lang_confidence"],
        "title": "Bahn",
        "text": text,
        "n_chars": 28,
        "n_words": 5,
        "content_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "extractor": "json_lines",
        "extraction_confidence": None,
        "published_on": date(2020, 5, 1),
        "fetched_at": FETCHED_AT,
    }
    assert taken.tables["labels"].to_pylist() == [{"doc_id": document["doc_id"], "label": "news"}]
    assert 0.3 < document["lang_confidence"] <= 1.0


def test_a_declared_language_is_sure():
    (document,) = (
        rows_of(ParsedDocument("", "hello", 5, "x"), origin=Origin("a", "text", "fr", "a", "0" * 12, FETCHED_AT))
        .tables["documents"]
        .to_pylist()
    )
    assert (document["lang"], document["lang_confidence"], document["uri"]) == ("fr", 1.0, "a")


def test_tagged_tokens_are_numbered_through_the_document():
    tagged = (TaggedToken(0, "Hello", "hello", "INTJ", "UH"), TaggedToken(1, "Bye", None, "INTJ", None))
    treebank = (
        rows_of(ParsedDocument("newdoc=a", "Hello Bye", 9, "conllu", tagged=tagged)).tables["treebank"].to_pylist()
    )
    doc_id = make_doc_id("pages", "a.jsonl#newdoc=a")
    assert treebank == [
        {
            "doc_id": doc_id,
            "position": 0,
            "sentence": 0,
            "token": "Hello",
            "lemma": "hello",
            "upos": "INTJ",
            "xpos": "UH",
        },
        {"doc_id": doc_id, "position": 1, "sentence": 1, "token": "Bye", "lemma": None, "upos": "INTJ", "xpos": None},
    ]


def test_what_is_set_aside_is_in_quarantine_and_ledger_what_is_skipped_in_the_ledger_alone():
    taken = rows_of(
        RejectedRecord("line=1", "line_no_json", "line 1 is no JSON: mend it", 9, {"line": 1, "text": "{"}),
        RejectedRecord("record=2", "record_of_type_request", "it holds no document", 7, outcome="skipped"),
        ParsedDocument("line=3", "\ufeff \n", 5, "json_lines"),
        ParsedDocument("line=4", "kept", 5, "json_lines", notes=(Note("invalid_bytes_replaced", 2.0),)),
    )
    assert taken.set_aside == {"line_no_json": 1, "record_of_type_request": 1, "no_text": 1}
    quarantine = taken.tables["ops.quarantine"].to_pylist()
    assert [(row["rule"], row["uri"]) for row in quarantine] == [
        ("line_no_json", "a.jsonl#line=1"),
        ("no_text", "a.jsonl#line=3"),
    ]
    assert quarantine[0]["message"] == "a.jsonl#line=1: line 1 is no JSON: mend it"
    ledger = [
        (row["outcome"], row["rule"], row["score"], row["n_bytes_before"], row["n_bytes_after"])
        for row in taken.tables["ops.ledger"].to_pylist()
    ]
    assert ledger == [
        ("set_aside", "line_no_json", None, 9, 0),
        ("skipped", "record_of_type_request", None, 7, 0),
        ("set_aside", "no_text", None, 5, 0),
        ("kept", "has_text", None, 5, 4),
        ("changed", "invalid_bytes_replaced", 2.0, 5, 4),
    ]


def test_what_was_taken_is_gone():
    rows = DocumentRows("parse_documents", "f" * 12)
    rows.add(ORIGIN, ParsedDocument("a", "text", 4, "x"))
    assert (rows.take().n_documents, rows.size, rows.n_records) == (1, 0, 0)
    assert rows.take().tables == {}


@pytest.mark.parametrize("odd", ["http://a/\udcff", "x\ud800"])
def test_strings_without_utf8_form_do_no_harm(odd):
    assert rows_of(ParsedDocument(odd, odd, 4, "x", odd, label=odd)).n_documents == 1
    assert rows_of(RejectedRecord(odd, "line_no_json", odd, 4, {"text": odd})).set_aside == {"line_no_json": 1}


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
@settings(max_examples=40)
def test_words_are_counted_as_one_text_alone_would_be(texts):
    taken = rows_of(*(ParsedDocument(f"line={n}", text, 1, "x") for n, text in enumerate(texts)))
    for document in taken.tables.get("documents", TABLES["documents"].empty()).to_pylist():
        assert document["n_words"] == count_words(document["text"])
