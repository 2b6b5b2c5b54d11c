"""Web archives (WARC, and WET made of them): a document for each captured page or text.

Documents are responses with status 200 and resources, of HTML or plain text, and conversions. Other records (requests,
metadata, images, redirects, revisits) never were meant to be one: they are counted as skipped, by what they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from fastwarc.warc import ArchiveIterator

from tasks.transforms.records.character_encoding import HEADER_CHARSET, decode_bytes, is_binary
from tasks.transforms.records.html_text import EXTRACTOR as PAGE_EXTRACTOR
from tasks.transforms.records.html_text import Page, page_date
from tasks.transforms.records.parsed_records import (
    Note,
    ParsedDocument,
    ParseLimits,
    Record,
    RejectedRecord,
    encoding_notes,
    whole_file_fault,
)

TEXT_EXTRACTOR = "warc_text"
HTML_TYPES = ("text/html", "application/xhtml+xml")
OK_STATUS = 200
ReadPage = Callable[[bytes, str | None], Page]


def parse_warc(stream: BinaryIO, read_page: ReadPage, limits: ParseLimits) -> Iterator[Record]:
    """A document or a rejection for each record. `read_page` makes a page's main text from its bytes and its
    `Content-Type`.

    The place of a record is `record=` and its number from 1, then `&uri=` and the address captured. After a record
    whose head cannot be read nothing more can: the rest of the file is rejected as one. What the stream raises goes
    through.
    """
    number = 0
    records = ArchiveIterator(cast("BinaryIO", _ShortReads(stream)), parse_http=False, fsspec_args=False)
    while True:
        try:
            record = next(records)
        except StopIteration:
            break
        except OSError as error:
            rule = "warc_record_damaged" if number else "file_no_warc"
            message = f"after record {number} the file is no WARC ({error}): fetch it again, or pack it anew"
            yield RejectedRecord(f"record={number + 1}", rule, message, 0, {"record": number + 1})
            return
        number += 1
        yield _parse_record(record, number, read_page, limits)
    if number == 0:
        fault = whole_file_fault(b"", is_binary=False)
        if fault is not None:
            yield fault


class _ShortReads(io.RawIOBase):
    """A stream that gives what there is: a full read would lose the last records before a fault."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._n_bytes

    def readinto(self, buffer: Any) -> int:
        content = self._read(len(buffer))
        memoryview(buffer)[: len(content)] = content
        self._n_bytes += len(content)
        return len(content)


@dataclass(frozen=True)
class _Head:
    """What a record says of itself before its payload."""

    place: str
    kind: str
    n_bytes: int
    shown: dict[str, Any]
    notes: tuple[Note, ...]

    def reject(self, rule: str, message: str) -> RejectedRecord:
        return RejectedRecord(self.place, rule, message, self.n_bytes, self.shown)

    def skip(self, rule: str, message: str) -> RejectedRecord:
        return RejectedRecord(self.place, rule, message, self.n_bytes, self.shown, "skipped")


def _read_head(record: Any, number: int) -> _Head:
    target = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
    kind, truncated = str(record.record_type), record.headers.get("WARC-Truncated")
    shown = {"record": number, "uri": target, "type": kind, "content_type": record.headers.get("Content-Type")}
    notes = (Note(f"truncated_by_crawler_{truncated}"),) if truncated else ()
    return _Head(f"record={number}" + (f"&uri={target}" if target else ""), kind, record.content_length, shown, notes)


def _parse_record(record: Any, number: int, read_page: ReadPage, limits: ParseLimits) -> Record:
    head = _read_head(record, number)
    if head.kind not in {"response", "resource", "conversion"}:
        return head.skip(f"record_of_type_{head.kind}", "it holds no document")
    if head.n_bytes > limits.most_document_bytes:
        return head.reject(
            "record_too_large", f"the record holds more than {limits.most_document_bytes:,} bytes: crawl with a limit"
        )
    block = record.reader.read(head.n_bytes)
    if len(block) < head.n_bytes:
        return head.reject("record_truncated", f"the file ends within record {number}: fetch it again")
    if head.kind == "response":
        return _parse_response(head, record, block, read_page, limits)
    return _parse_payload(head, block, record.headers.get("Content-Type"), read_page)


def _parse_response(head: _Head, record: Any, block: bytes, read_page: ReadPage, limits: ParseLimits) -> Record:
    try:
        record.set_bytes_content(block)
        record.parse_http(auto_decode="all")
        status, content_type = record.http_headers.status_code, record.http_headers.get("Content-Type")
        payload = record.reader.read(limits.most_document_bytes + 1)
    except (OSError, ValueError, AttributeError) as error:  # AttributeError: there is no HTTP head
        return head.reject("http_response_damaged", f"the HTTP response cannot be read ({error}): crawl it again")
    if status != OK_STATUS:
        return head.skip("http_status_not_200", "the server gave no page")
    if len(payload) > limits.most_document_bytes:
        return head.reject(
            "record_too_large",
            f"the page unpacks to more than {limits.most_document_bytes:,} bytes: crawl with a limit",
        )
    return _parse_payload(head, payload, content_type, read_page)


def _parse_payload(head: _Head, payload: bytes, content_type: str | None, read_page: ReadPage) -> Record:
    media_type = (content_type or "").split(";")[0].strip().lower()
    if media_type in HTML_TYPES:
        page = read_page(payload, content_type)
        if page.rule:
            return head.reject(page.rule, page.message)
        notes = (*head.notes, *encoding_notes(page.encoding, page.n_replaced))
        return ParsedDocument(
            head.place, page.text, head.n_bytes, PAGE_EXTRACTOR, page.title, page_date(page), notes=notes
        )
    if media_type != "text/plain":
        return head.skip("content_type_no_text", "it holds neither HTML nor plain text")
    if is_binary(payload):
        return head.reject("binary_content", "the bytes are no text though they say so: crawl it again")
    declared = HEADER_CHARSET.search(content_type or "")
    decoded = decode_bytes(payload, declared[1] if declared else None)
    notes = (*head.notes, *encoding_notes(decoded.encoding, decoded.n_replaced))
    return ParsedDocument(head.place, decoded.text, head.n_bytes, TEXT_EXTRACTOR, notes=notes)
