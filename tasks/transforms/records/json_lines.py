"""JSON Lines: a document a line, from the keys that the source names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO

from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits, Record, RejectedRecord
from tasks.transforms.records.text_lines import TextLine, read_lines

EXTRACTOR = "json_lines"
SHOWN_CHARS = 10_000  # of a broken line; the whole lies with the raw bytes


def parse_json_lines(stream: BinaryIO, columns: Mapping[str, str], limits: ParseLimits) -> Iterator[Record]:
    """A document for each line that is not blank; `columns` gives the JSON key of each role: `text`, and maybe `title`,
    `label`, `published_on` (ISO 8601).

    A line that is no JSON object, or whose text is no string, is rejected. A title or date of another type counts as
    absent.
    """
    for line in read_lines(stream, limits.most_line_bytes):
        if isinstance(line, RejectedRecord):
            yield line
        elif not line.is_blank:
            yield _parse_line(line, columns)


def _parse_line(line: TextLine, columns: Mapping[str, str]) -> Record:
    place = f"line={line.number}"
    try:
        value: Any = json.loads(line.text)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of brackets one in another
        problem = str(error) if isinstance(error, json.JSONDecodeError) else "too deep or a number too long"
        return _reject(line, "line_no_json", f"line {line.number} is no JSON ({problem}): correct or remove it")
    if not isinstance(value, dict):
        return _reject(line, "line_no_json_object", f"line {line.number} holds no JSON object: write one {{…}} a line")
    text = value.get(columns["text"])
    if not isinstance(text, str):
        message = f"line {line.number} has no text under the key `{columns['text']}`: correct `columns` or the line"
        return _reject(line, "text_missing", message)
    title, label, published_on = (
        value.get(columns[role]) if role in columns else None for role in ("title", "label", "published_on")
    )
    return ParsedDocument(
        place,
        text,
        line.n_bytes,
        EXTRACTOR,
        notes=line.notes,
        title=title if isinstance(title, str) else None,
        published_on=_day(published_on),
        label=str(label) if isinstance(label, str | int | float) else None,
    )


def _reject(line: TextLine, rule: str, message: str) -> RejectedRecord:
    return RejectedRecord(
        f"line={line.number}", rule, message, line.n_bytes, {"line": line.number, "text": line.text[:SHOWN_CHARS]}
    )


def _day(value: object) -> date | None:
    """The day of an ISO 8601 date or date-time; None for anything else."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
