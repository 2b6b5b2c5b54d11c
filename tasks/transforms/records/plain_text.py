"""Plain text: a document a file, or a document a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from tasks.transforms.records.character_encoding import decode_bytes, is_binary
from tasks.transforms.records.parsed_records import (
    ParsedDocument,
    ParseLimits,
    Record,
    RejectedRecord,
    encoding_notes,
    whole_file_fault,
)
from tasks.transforms.records.text_lines import read_lines

EXTRACTOR = "plain_text"


def parse_text_file(stream: BinaryIO, limits: ParseLimits) -> Record:
    """The whole of a file as one document."""
    raw = stream.read(limits.most_document_bytes + 1)
    if len(raw) > limits.most_document_bytes:
        message = f"the file is larger than {limits.most_document_bytes:,} bytes: declare `unit: line`, or split it"
        return RejectedRecord("", "file_too_large", message, len(raw))
    fault = whole_file_fault(raw, is_binary=is_binary(raw))
    if fault is not None:
        return fault
    decoded = decode_bytes(raw)
    return ParsedDocument(
        "", decoded.text, len(raw), EXTRACTOR, notes=encoding_notes(decoded.encoding, decoded.n_replaced)
    )


def parse_text_lines(stream: BinaryIO, limits: ParseLimits) -> Iterator[Record]:
    """A document for each line that holds more than white space; its place is `line=` and the number from 1."""
    for line in read_lines(stream, limits.most_line_bytes):
        if isinstance(line, RejectedRecord):
            yield line
        elif not line.is_blank:
            yield ParsedDocument(f"line={line.number}", line.text, line.n_bytes, EXTRACTOR, notes=line.notes)
