"""Kinds of source: each parser reads a small file of its kind, has a sample, and is no matter of the other kinds."""

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations.contracts.documents import DOCUMENTS
from tasks.documents.parsing import parse_documents
from tasks.documents.word_tests import PARSERS
from tasks.intake.kinds import DOCUMENT_KINDS, SOURCE_KINDS, RawFile
from tasks.intake.sources import load_sources
from tasks.lake.fingerprints import Code, place_of
from tasks.lake.raw import RawItem
from tasks.mobility.parsing import ITEMS_OF_BATCH
from tasks.transforms.records.html_text import PageGuards
from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits, Record
from tasks.transforms.records.source_format import OBSERVATION_KINDS, Source

ROOT = Path(__file__).resolve().parents[3]
PAGE = b"<html><body><article><p>A page about the tide mill and the harbour.</p></article></body></html>"
CAPTURE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE
HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:0>\r\nWARC-Target-URI: http://a.example/\r\n"
HEAD += b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n" % len(CAPTURE)
# A file of each kind with two records, or one where a file is a record; and what its texts begin with.
FILES: Mapping[str, tuple[str, bytes, list[str]]] = {
    "text": ("a.txt", b"The tide\nturns.", ["The tide\nturns."]),
    "html": ("a.html", PAGE, ["A page about the tide mill"]),
    "warc": ("a.warc", HEAD + CAPTURE + b"\r\n\r\n", ["A page about the tide mill"]),
    "jsonl": ("a.jsonl", b'{"body": "one"}\n{"body": "two"}\n', ["one", "two"]),
    "conllu": ("a.conllu", b"1\tHello\thello\tINTJ\tUH\t_\t0\troot\t_\t_\n\n", ["Hello"]),
    "labelled": ("a.csv.gz", b"label,body\nham,one\nspam,two\n", ["one", "two"]),
}
COLUMNS: Mapping[str, Mapping[str, str | int]] = {
    "jsonl": {"text": "body"},
    "labelled": {"text": "body", "label": "label"},
}
STARTS_A_PROCESS = {"html", "warc"}


def records_of(kind: str, name: str, content: bytes, unit: str = "file") -> list[Record]:
    source = Source("one", kind, name, "/", "CC0-1.0", "us", "en", unit, COLUMNS.get(kind, {}))
    item = RawItem("one", name, "0" * 64, None, len(content), datetime(2020, 5, 17, tzinfo=UTC))
    return list(DOCUMENT_KINDS[kind].parse(RawFile(item, io.BytesIO(content), source, ParseLimits(), PageGuards())))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in STARTS_A_PROCESS else []) for kind in FILES]
)
def test_the_parser_of_a_kind_reads_a_file_of_it(kind: str) -> None:
    name, content, begins = FILES[kind]
    records = records_of(kind, name, content)
    assert all(isinstance(record, ParsedDocument) for record in records)
    texts = [record.text for record in records if isinstance(record, ParsedDocument)]
    assert len(texts) == len(begins)
    assert [text[: len(beginning)] for text, beginning in zip(texts, begins, strict=True)] == begins


def test_of_a_text_a_document_is_the_file_or_a_line() -> None:
    assert [len(records_of("text", "a.txt", b"The tide\nturns.", unit)) for unit in ("file", "line")] == [1, 2]


def test_every_kind_has_a_parser_and_the_samples_are_of_these_kinds() -> None:
    assert {source.kind for source in load_sources(ROOT / "data" / "sources")} <= set(SOURCE_KINDS)
    assert set(SOURCE_KINDS) == {*DOCUMENT_KINDS, *OBSERVATION_KINDS, *PARSERS}
    assert set(ITEMS_OF_BATCH) == set(OBSERVATION_KINDS)
    assert len(SOURCE_KINDS) == len(set(SOURCE_KINDS))


def test_the_contract_of_documents_takes_every_kind_by_its_form() -> None:
    kind = DOCUMENTS.column("kind")
    assert kind.pattern
    assert all(re.fullmatch(kind.pattern, one) for one in DOCUMENT_KINDS)
    assert not kind.one_of


@pytest.mark.parametrize(
    ("module", "old", "new", "changed"),
    [
        ("json_lines", 'f"line={line.number}"', 'f"line {line.number}"', {"jsonl"}),
        ("html_text", "extensive_search=False", "extensive_search=True", {"html", "warc"}),
        ("text_lines", "BUFFER_BYTES = 1 << 18", "BUFFER_BYTES = 1 << 19", FILES.keys() - STARTS_A_PROCESS),
        ("document_rows", "hexdigest()[:16]", "hexdigest()[:17]", set(FILES)),
        ("conllu", "def parse_conllu", "# What follows is a parser.\ndef parse_conllu", set()),
    ],
)
def test_the_change_of_a_parser_does_the_batches_of_its_own_kind_again_and_no_other(
    module: str, old: str, new: str, changed: set[str]
) -> None:
    text = (ROOT / "tasks" / "transforms" / "records" / f"{module}.py").read_text()
    assert old in text
    before, after = Code(), Code(changed={f"tasks.transforms.records.{module}": text.replace(old, new)})
    parsing = {kind: [place_of(parse_documents), place_of(DOCUMENT_KINDS[kind].parse)] for kind in FILES}
    assert {kind for kind, places in parsing.items() if before.version(places) != after.version(places)} == changed
