"""Lines of foreign bytes, one at a time, each decoded, none longer than the limit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from tasks.transforms.records.character_encoding import BYTE_ORDER_MARKS, SNIFF_BYTES, decode_bytes, is_binary
from tasks.transforms.records.parsed_records import Note, RejectedRecord, encoding_notes, whole_file_fault

BUFFER_BYTES = 1 << 18


class TextLine(NamedTuple):
    """A line without its end; `number` from 1."""

    number: int
    text: str
    n_bytes: int
    notes: tuple[Note, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether it holds nothing but white space."""
        return not self.text or self.text.isspace()


def read_lines(stream: BinaryIO, most_line_bytes: int) -> Iterator[TextLine | RejectedRecord]:
    r"""Every line of `stream`, in order; a line that is too long, an empty or a binary file rejected.

    Lines end at `\n`, with or without `\r`. Bytes are UTF-8 unless a byte-order mark says UTF-16 or UTF-32; a line that
    is no UTF-8 is decoded by itself. What the stream raises goes through, after every whole line before it.
    """
    buffered = (
        stream
        if isinstance(stream, io.BufferedReader)
        else io.BufferedReader(cast("io.RawIOBase", stream), BUFFER_BYTES)
    )
    head = buffered.peek(SNIFF_BYTES)
    fault = whole_file_fault(head, is_binary=is_binary(head[:SNIFF_BYTES]))
    if fault is not None:
        yield fault
        return
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in BYTE_ORDER_MARKS if head.startswith(mark)), (b"", "utf-8")
    )
    buffered.read(len(mark))
    if encoding == "utf-8":
        yield from _byte_lines(buffered, most_line_bytes)
    else:
        yield from _wide_lines(buffered, encoding, most_line_bytes)


def _byte_lines(stream: io.BufferedReader, most_line_bytes: int) -> Iterator[TextLine | RejectedRecord]:
    number = 0
    while raw := stream.readline(most_line_bytes + 1):
        number += 1
        if len(raw) > most_line_bytes:
            n_bytes = len(raw)
            while not raw.endswith(b"\n") and (raw := stream.readline(most_line_bytes + 1)):
                n_bytes += len(raw)
            yield _too_long(number, n_bytes, most_line_bytes)
            continue
        try:
            yield TextLine(number, raw.decode("utf-8").rstrip("\r\n"), len(raw))
        except UnicodeDecodeError:
            decoded = decode_bytes(raw)
            notes = encoding_notes(decoded.encoding, decoded.n_replaced)
            yield TextLine(number, decoded.text.rstrip("\r\n"), len(raw), notes)


def _wide_lines(stream: io.BufferedReader, encoding: str, most_line_bytes: int) -> Iterator[TextLine | RejectedRecord]:
    wrapped = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
    most_chars = most_line_bytes // 2
    number = 0
    try:
        while text := wrapped.readline(most_chars + 1):
            number += 1
            n_chars = len(text)
            if n_chars > most_chars:
                while not text.endswith("\n") and (text := wrapped.readline(most_chars + 1)):
                    n_chars += len(text)
                yield _too_long(number, 2 * n_chars, most_line_bytes)
                continue
            n_bytes, notes = len(text.encode(encoding, "replace")), encoding_notes(encoding, text.count("\ufffd"))
            yield TextLine(number, text.rstrip("\r\n"), n_bytes, notes)
    finally:
        wrapped.detach()


def _too_long(number: int, n_bytes: int, most_line_bytes: int) -> RejectedRecord:
    message = f"line {number} is longer than {most_line_bytes:,} bytes: break it up"
    return RejectedRecord(f"line={number}", "line_too_long", message, n_bytes, {"line": number})
