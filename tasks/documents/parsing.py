"""From raw items to parsed documents: batches cut by content, and the body that reads a batch of items record by
record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import BinaryIO, cast

from models.settings import settings_of
from tasks.intake.kinds import DOCUMENT_KINDS, DocumentKind, Parser, RawFile
from tasks.intake.page_reader import PageReaderError
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import Batch, StepOutput, current_task, cut_by_content
from tasks.lake.unpacking import TAR_SUFFIXES
from tasks.transforms.records.document_rows import DocumentRows, Origin
from tasks.transforms.records.html_text import PageGuards
from tasks.transforms.records.parsed_records import ParseLimits, Record, RejectedRecord
from tasks.transforms.records.source_format import Source

PARSED = "parsed_documents"
"""The working table of documents before copies are set aside: files of the form of `documents`."""
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
    """Some raw items of one source, to be parsed together, and what parses them."""

    source: Source
    items: tuple[RawItem, ...]
    settings: DocumentSettings
    parse: Parser


def parse_batches(sources: Sequence[FetchedSource], settings: DocumentSettings) -> list[Batch]:
    """The batches of all sources of documents. A new or changed item makes its own batch due, no other; so does another
    parser.
    """
    batches = []
    for source, items in ((one.source, one.fetched.items) for one in sources):
        if source.kind not in DOCUMENT_KINDS:
            continue
        kind = DOCUMENT_KINDS[source.kind]
        declared = {
            "source": source.name,
            "kind": source.kind,
            "lang": source.lang,
            "unit": source.unit,
            "columns": dict(source.columns),
        }
        deciding, calls = {**settings_of(settings), **declared}, (cast("FunctionType", kind.parse),)
        for some in _cut(kind, items):
            payload = ParseBatch(source, tuple(some), settings, kind.parse)
            inputs = tuple(map(_digest, some))
            batches.append(Batch(f"{source.name}: {some[0].uri}", inputs, payload, deciding, calls))
    return batches


def parse_documents(lake: Lake, batch: ParseBatch) -> StepOutput:
    """Parse the items of a batch: documents (as the working table), labels, tagged tokens, and what became of each
    record.

    Memory is bounded: a large file leaves several files of documents.
    """
    source, task = batch.source, current_task()
    rows = DocumentRows(task.step, task.code_version)
    files: list[FileRef] = []
    n_records = n_documents = 0
    set_aside: Counter[str] = Counter()

    def write() -> None:
        nonlocal n_records, n_documents
        taken = rows.take()
        files.extend(_as_parsed(write_table(lake, name, table)) for name, table in taken.tables.items())
        n_records, n_documents = n_records + taken.n_records, n_documents + taken.n_documents
        set_aside.update(taken.set_aside)

    for item, stream in read_raw(lake, batch.items):
        origin = Origin(source.name, source.kind, source.lang, item.uri, item.vintage, item.fetched_at)
        for record in _records(item, stream, batch):
            rows.add(origin, record)
            if rows.size >= PART_SIZE or rows.n_records >= PART_RECORDS:
                write()
    write()
    return StepOutput(tuple(files), n_records, n_documents, dict(set_aside))


def _digest(item: RawItem) -> str:
    """What of an item decides its documents: where it is and which bytes it has, not when it was fetched."""
    return hashlib.sha256(f"{item.uri}\0{item.key}\0{item.content_type or ''}".encode()).hexdigest()


def _cut(kind: DocumentKind, items: Sequence[RawItem]) -> list[list[RawItem]]:
    """Large items alone, small ones together with their neighbours by uri."""
    packed = [item for item in items if _is_in_tar(item)]
    large = [item for item in items if item.n_bytes > OWN_BATCH_BYTES and not _is_in_tar(item)]
    small = [item for item in items if item.n_bytes <= OWN_BATCH_BYTES and not _is_in_tar(item)]
    (average, most), (tar_average, tar_most) = kind.items_of_batch, TAR_ITEMS_OF_BATCH
    return [
        *([item] for item in large),
        *cut_by_content(small, lambda item: item.uri, average=average, most=most),
        *cut_by_content(packed, lambda item: item.uri, average=tar_average, most=tar_most),
    ]


def _is_in_tar(item: RawItem) -> bool:
    return item.member is not None and item.uri.removesuffix(f"#{item.member}").lower().endswith(TAR_SUFFIXES)


def _as_parsed(ref: FileRef) -> FileRef:
    """Documents are not published before copies are set aside: until then their file goes by the working table's
    name.
    """
    return replace(ref, table=PARSED) if ref.table == "documents" else ref


def _records(item: RawItem, stream: BinaryIO | BadInputError, batch: ParseBatch) -> Iterator[Record]:
    """Every record of an item; where its bytes cannot be read on, what was read before, and one more for the rest."""
    n_read, last_place = 0, ""
    try:
        for record in _parse(item, stream, batch):
            n_read, last_place = n_read + 1, record.place
            yield record
    except (LakeError, PageReaderError, MemoryError):  # nothing that the bytes can help
        raise
    except Exception as error:  # noqa: BLE001  # foreign bytes meet libraries: one file's accident must not cost the others
        is_known = isinstance(error, BadInputError)
        rule = error.rule if isinstance(error, BadInputError) else "parser_failed"
        what = str(error) if is_known else f"the parser failed ({type(error).__name__}: {error})"
        read_before = f"; {n_read} records were read before, to {last_place}" if n_read else ""
        place = "rest" if n_read else ""
        yield RejectedRecord(place, rule, f"{what}{read_before}", item.n_bytes, {"n_records_before": n_read})


def _parse(item: RawItem, stream: BinaryIO | BadInputError, batch: ParseBatch) -> Iterator[Record]:
    if isinstance(stream, BadInputError):
        raise stream
    return batch.parse(RawFile(item, stream, batch.source, batch.settings.limits, batch.settings.guards))
