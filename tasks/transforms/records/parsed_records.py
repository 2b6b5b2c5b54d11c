"""What a parser makes of one raw record: a document, or the reason why it is none. Every record becomes exactly one of
the two.

What there may be millions of is a named tuple: made five times as fast as a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True)
class ParseLimits:
    """How large a record may be. Our choice: the longest book of the corpora has 5 MB, the longest line 90 kB."""

    most_line_bytes: int = 16 << 20
    most_document_bytes: int = 64 << 20


class Note(NamedTuple):
    """A decision about a document that its row does not show: `rule` is what was true of it, `score` what was found."""

    rule: str
    score: float | None = None


class TaggedToken(NamedTuple):
    """A token tagged by hand, in the sentence of that number (from 0) of its document."""

    sentence: int
    token: str
    lemma: str | None
    upos: str
    xpos: str | None


class ParsedDocument(NamedTuple):
    """A document as parsed, not yet normalised. `place` tells it from others of its file; empty if it is the file."""

    place: str
    text: str
    n_bytes: int
    extractor: str
    title: str | None = None
    published_on: date | None = None
    label: str | None = None
    tagged: tuple[TaggedToken, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class RejectedRecord:
    """A record that is no document: `set_aside` where something is wrong with it; `skipped` where it never was one."""

    place: str
    rule: str
    message: str
    n_bytes: int
    row: Mapping[str, Any] = field(default_factory=dict)
    outcome: Literal["set_aside", "skipped"] = "set_aside"


Record = ParsedDocument | RejectedRecord


def encoding_notes(encoding: str, n_replaced: int) -> tuple[Note, ...]:
    """Notes on how bytes became text; none for UTF-8 without fault."""
    notes = () if encoding == "utf-8" else (Note(f"decoded_as_{encoding}"),)
    return (*notes, Note("invalid_bytes_replaced", float(n_replaced))) if n_replaced else notes


def whole_file_fault(content: bytes, *, is_binary: bool) -> RejectedRecord | None:
    """What is wrong with a file of text by its beginning `content`: it is empty, or no text; None where nothing is."""
    if not content:
        return RejectedRecord("", "empty_file", "the file holds nothing: fetch it again or remove it", 0)
    if is_binary:
        return RejectedRecord(
            "", "binary_content", "the bytes are no text: remove the file or correct its kind", len(content)
        )
    return None
