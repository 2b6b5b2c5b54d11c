"""From raw items to parsed documents: works cut by content, and the body that reads a batch of items record by record."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from tasks.intake.page_reader import PageReader, PageReaderError, page_reader
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import Step, StepOutput, Work, cut_by_content, settings_of
from tasks.lake.unpacking import TAR_SUFFIXES
from tasks.transforms.records.conllu import parse_conllu
from tasks.transforms.records.document_rows import DocumentRows, Origin
from tasks.transforms.records.html_text import EXTRACTOR, PageGuards, page_date
from tasks.transforms.records.json_lines import parse_json_lines
from tasks.transforms.records.labelled_rows import parse_labelled
from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits, Record, RejectedRecord, encoding_notes
from tasks.transforms.records.plain_text import parse_text_file, parse_text_lines
from tasks.transforms.records.source_format import Source
from tasks.transforms.records.warc_records import parse_warc

STEP = "parse_documents"
PARSED = "parsed_documents"
"""The working table of documents before copies are set aside: files of the form of `documents`."""
PARSER_MODULES: Mapping[str, str] = {
    "text": "tasks.transforms.records.plain_text",
    "html": "tasks.transforms.records.html_text",
    "warc": "tasks.transforms.records.warc_records",
    "jsonl": "tasks.transforms.records.json_lines",
    "conllu": "tasks.transforms.records.conllu",
    "labelled": "tasks.transforms.records.labelled_rows",
}
"""The kinds whose records are documents, and what decides their result: another parser's change does no batch of theirs again."""
# Our choice: a batch takes about a second, which is much against the 0.12 s that handing it to a process costs, and little to do again.
ITEMS_OF_BATCH = {"html": (64, 256)}
OTHER_ITEMS_OF_BATCH = (128, 512)
TAR_ITEMS_OF_BATCH = (1024, 4096)  # each batch reads the archive from its start
OWN_BATCH_BYTES = 4 << 20
# What may gather in memory before it is written: some 300 MB with all that Python puts around it.
PART_SIZE = 16_000_000
PART_RECORDS = 50_000


@dataclass(frozen=True)
class DocumentSettings:
    """Limits of a record, guards of a page."""

    limits: ParseLimits = field(default_factory=ParseLimits)
    guards: PageGuards = field(default_factory=PageGuards)


@dataclass(frozen=True)
class ParseBatch:
    """Some raw items of one source, to be parsed together."""

    source: Source
    items: tuple[RawItem, ...]
    settings: DocumentSettings


def parse_works(source: Source, items: Sequence[RawItem], settings: DocumentSettings) -> list[Work]:
    """The batches of a source's items. A new or changed item makes its own batch due, no other."""
    step = Step(STEP, _modules(source.kind), {
        **settings_of(settings), "source": source.name, "kind": source.kind, "lang": source.lang, "unit": source.unit,
        "columns": dict(source.columns),
    })  # fmt: skip
    return [
        Work(
            step,
            f"{source.name}: {batch[0].uri}",
            tuple(map(_digest, batch)),
            ParseBatch(source, tuple(batch), settings),
        )
        for batch in _batches(source.kind, items)
    ]


def parse_body(lake: Lake, batch: ParseBatch) -> StepOutput:
    """Parse the items of a batch: documents (as the working table), labels, tagged tokens, and what became of each record.

    Memory is bounded: a large file leaves several files of documents.
    """
    source, settings = batch.source, batch.settings
    rows = DocumentRows(STEP, Step(STEP, _modules(source.kind)).code_version)
    files: list[FileRef] = []
    n_records = n_documents = 0
    set_aside: Counter[str] = Counter()

    def write() -> None:
        nonlocal n_records, n_documents
        taken = rows.take()
        files.extend(_as_parsed(write_table(lake, name, table)) for name, table in taken.tables.items())
        n_records, n_documents = n_records + taken.n_records, n_documents + taken.n_documents
        set_aside.update(taken.set_aside)

    with ExitStack() as stack:
        reader = stack.enter_context(page_reader(settings.guards)) if source.kind in {"html", "warc"} else None
        for item, stream in read_raw(lake, batch.items):
            origin = Origin(source.name, source.kind, source.lang, item.uri, item.vintage, item.fetched_at)
            for record in _records(item, stream, batch, reader):
                rows.add(origin, record)
                if rows.size >= PART_SIZE or rows.n_records >= PART_RECORDS:
                    write()
        write()
    return StepOutput(tuple(files), n_records, n_documents, dict(set_aside))


def _modules(kind: str) -> tuple[str, ...]:
    return ("tasks.transforms.records.document_rows", PARSER_MODULES[kind])


def _digest(item: RawItem) -> str:
    """What of an item decides its documents: where it is and which bytes it has, not when it was fetched."""
    return hashlib.sha256(f"{item.uri}\0{item.key}\0{item.content_type or ''}".encode()).hexdigest()


def _batches(kind: str, items: Sequence[RawItem]) -> list[list[RawItem]]:
    """Large items alone, small ones together with their neighbours by uri."""
    large = [item for item in items if item.n_bytes > OWN_BATCH_BYTES and not _is_in_tar(item)]
    packed = [item for item in items if _is_in_tar(item)]
    small = [item for item in items if item.n_bytes <= OWN_BATCH_BYTES and not _is_in_tar(item)]
    average, most = ITEMS_OF_BATCH.get(kind, OTHER_ITEMS_OF_BATCH)
    return [
        *([item] for item in large),
        *cut_by_content(small, lambda item: item.uri, average=average, most=most),
        *cut_by_content(packed, lambda item: item.uri, average=TAR_ITEMS_OF_BATCH[0], most=TAR_ITEMS_OF_BATCH[1]),
    ]


def _is_in_tar(item: RawItem) -> bool:
    return item.member is not None and item.uri.removesuffix(f"#{item.member}").lower().endswith(TAR_SUFFIXES)


def _as_parsed(ref: FileRef) -> FileRef:
    """Documents are not published before copies are set aside: until then their file goes by the working table's name."""
    return replace(ref, table=PARSED) if ref.table == "documents" else ref


def _records(
    item: RawItem, stream: BinaryIO | BadInputError, batch: ParseBatch, reader: PageReader | None
) -> Iterator[Record]:
    """Every record of an item; where its bytes cannot be read on, what was read before, and one more for the rest."""
    n_read, last_place = 0, ""
    try:
        for record in _parse(item, stream, batch, reader):
            n_read, last_place = n_read + 1, record.place
            yield record
    except (LakeError, PageReaderError, MemoryError):  # nothing that the bytes can help
        raise
    except Exception as error:  # noqa: BLE001  # foreign bytes meet libraries: one file's accident must not cost the others
        rule, what = (
            (error.rule, str(error))
            if isinstance(error, BadInputError)
            else ("parser_failed", f"the parser failed ({type(error).__name__}: {error})")
        )
        read_before = f"; {n_read} records were read before, to {last_place}" if n_read else ""
        yield RejectedRecord(
            "rest" if n_read else "", rule, f"{what}{read_before}", item.n_bytes, {"n_records_before": n_read}
        )


def _parse(
    item: RawItem, stream: BinaryIO | BadInputError, batch: ParseBatch, reader: PageReader | None
) -> Iterator[Record]:
    if isinstance(stream, BadInputError):
        raise stream
    source, limits = batch.source, batch.settings.limits
    if reader is not None:
        if source.kind == "warc":
            yield from parse_warc(stream, reader.read, limits)
        else:
            yield _parse_page(item, stream, reader)
    elif source.kind == "text" and source.unit == "file":
        yield parse_text_file(stream, limits)
    elif source.kind == "text":
        yield from parse_text_lines(stream, limits)
    elif source.kind == "jsonl":
        yield from parse_json_lines(stream, {role: str(key) for role, key in source.columns.items()}, limits)
    elif source.kind == "conllu":
        yield from parse_conllu(stream, limits)
    else:
        yield from parse_labelled(stream, _file_name(item.uri), source.columns, limits)


def _parse_page(item: RawItem, stream: BinaryIO, reader: PageReader) -> Record:
    raw = stream.read(reader.guards.most_bytes + 1)
    page = reader.read(raw, item.content_type)
    if page.rule:
        return RejectedRecord("", page.rule, page.message, len(raw))
    notes = encoding_notes(page.encoding, page.n_replaced)
    return ParsedDocument("", page.text, len(raw), EXTRACTOR, page.title, page_date(page), notes=notes)


def _file_name(uri: str) -> str:
    """The name that tells the format: without the compression's suffix."""
    return uri.removesuffix(".gz").removesuffix(".xz")
