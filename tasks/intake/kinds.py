"""Kinds of source: for those whose records are documents the parser and the size of a batch; and which others there
are.

A new kind of documents is a parser in `tasks.transforms.records` and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from expectations.contracts.documents import WORD_TEST_KINDS
from tasks.intake.page_reader import PageReader, page_reader
from tasks.lake.raw import RawItem
from tasks.transforms.records.conllu import parse_conllu
from tasks.transforms.records.html_text import EXTRACTOR, PageGuards, page_date
from tasks.transforms.records.json_lines import parse_json_lines
from tasks.transforms.records.labelled_rows import parse_labelled
from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits, Record, RejectedRecord, encoding_notes
from tasks.transforms.records.plain_text import parse_text_file, parse_text_lines
from tasks.transforms.records.source_format import OBSERVATION_KINDS, Source
from tasks.transforms.records.warc_records import parse_warc


@dataclass(frozen=True)
class RawFile:
    """A raw item, open to be parsed: its source, and the limits and guards under which it is."""

    item: RawItem
    stream: BinaryIO
    source: Source
    limits: ParseLimits
    guards: PageGuards


Parser = Callable[[RawFile], Iterator[Record]]


@dataclass(frozen=True)
class DocumentKind:
    """How documents come out of raw items of a kind, and how many items make a batch: on average, and at most.

    Our choice: a batch takes about a second, which is much against the 0.12 s that handing it to a process costs, and
    little to do again.
    """

    parse: Parser
    items_of_batch: tuple[int, int] = (128, 512)


def parse_text(file: RawFile) -> Iterator[Record]:
    """A document a file, or a line."""
    if file.source.unit == "file":
        yield parse_text_file(file.stream, file.limits)
    else:
        yield from parse_text_lines(file.stream, file.limits)


def parse_html(file: RawFile) -> Iterator[Record]:
    """The main text of a page."""
    with page_reader(file.guards) as reader:
        yield _read_page(file, reader)


def parse_captures(file: RawFile) -> Iterator[Record]:
    """The captured pages of a WARC file."""
    with page_reader(file.guards) as reader:
        yield from parse_warc(file.stream, reader.read, file.limits)


def parse_jsonl(file: RawFile) -> Iterator[Record]:
    """A document a line."""
    columns = {role: str(key) for role, key in file.source.columns.items()}
    return parse_json_lines(file.stream, columns, file.limits)


def parse_treebank(file: RawFile) -> Iterator[Record]:
    """Documents of tagged sentences."""
    return parse_conllu(file.stream, file.limits)


def parse_rows(file: RawFile) -> Iterator[Record]:
    """A labelled document a row; the file's name tells the format, without the suffix of a compression."""
    name = file.item.uri.removesuffix(".gz").removesuffix(".xz")
    return parse_labelled(file.stream, name, file.source.columns, file.limits)


DOCUMENT_KINDS: Mapping[str, DocumentKind] = {
    "text": DocumentKind(parse_text),
    "html": DocumentKind(parse_html, (64, 256)),
    "warc": DocumentKind(parse_captures),
    "jsonl": DocumentKind(parse_jsonl),
    "conllu": DocumentKind(parse_treebank),
    "labelled": DocumentKind(parse_rows),
}
SOURCE_KINDS = (*DOCUMENT_KINDS, *OBSERVATION_KINDS, *WORD_TEST_KINDS)
"""All that a declaration may say."""


def _read_page(file: RawFile, reader: PageReader) -> Record:
    raw = file.stream.read(file.guards.most_bytes + 1)
    page = reader.read(raw, file.item.content_type)
    if page.rule:
        return RejectedRecord("", page.rule, page.message, len(raw))
    notes = encoding_notes(page.encoding, page.n_replaced)
    return ParsedDocument("", page.text, len(raw), EXTRACTOR, page.title, page_date(page), notes=notes)
