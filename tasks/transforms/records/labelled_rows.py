"""Labelled documents in delimited text (CSV, TSV): delimiter and quotes found by trying, columns by name or place."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tasks.transforms.records.parsed_records import Note, ParsedDocument, ParseLimits, Record, RejectedRecord
from tasks.transforms.records.text_lines import TextLine, read_lines

EXTRACTOR = "labelled_rows"
# Our choice: quotes appear late in real files (10kGNAD has its first in line 1, others after hundreds).
SAMPLE_LINES = 500
TAB_SUFFIXES = (".tsv", ".tab")
SHOWN_CHARS = 10_000
# The module's only knob, global; its default of 131,072 is shorter than real articles.
csv.field_size_limit(ParseLimits().most_line_bytes)


@dataclass(frozen=True)
class Dialect:
    """How rows are written: the delimiter, and the quotation mark (None: quotation marks mean nothing)."""

    delimiter: str
    quote: str | None

    def rows(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Rows of `lines`; raises csv.Error at a row with unbalanced quotes, and goes on after it when asked again."""
        if self.quote is None:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


def parse_labelled(
    stream: BinaryIO, file_name: str, columns: Mapping[str, str | int], limits: ParseLimits
) -> Iterator[Record]:
    """A document with its label for each row; its place is `line=` and the number of the row's first line, from 1.

    `columns` says where `text` and `label` stand: by name (then the first row is a header), or by position from 0 (then
    there is none). A row with another number of fields than the header (or than most rows) is rejected; so is the file
    where a named column is missing.
    """
    rejected: list[RejectedRecord] = []
    lines = _good_lines(read_lines(stream, limits.most_line_bytes), rejected)
    sample = list(itertools.islice(lines, SAMPLE_LINES))
    if not sample:
        yield from rejected
        return
    dialect, n_fields = tell_dialect([line.text for line in sample], file_name, columns)
    rows = _rows(itertools.chain(sample, lines), dialect)
    if any(isinstance(column, str) for column in columns.values()):
        header = [name.strip() for name in next(rows, _Row([], ())).fields]
        missing = [str(name) for name in columns.values() if name not in header]
        if missing:
            message = (
                f"there is no column `{'`, `'.join(missing)}` among {', '.join(header)[:500]}:"
                " correct `columns` in the declaration"
            )
            yield RejectedRecord("", "column_missing", message, sample[0].n_bytes, {"header": header[:100]})
            return
        positions = {role: header.index(str(name)) for role, name in columns.items()}
        n_fields = len(header)
    else:
        positions = {role: int(position) for role, position in columns.items()}
        n_fields = max(n_fields, max(positions.values()) + 1)
    for row in rows:
        yield from rejected
        rejected.clear()
        yield _parse_row(row, positions, n_fields)
    yield from rejected


def tell_dialect(lines: Sequence[str], file_name: str, columns: Mapping[str, str | int]) -> tuple[Dialect, int]:
    """The dialect under which most rows have one number of fields, and that number. Named columns must stand in the
    first row.

    A file called .tsv or .tab has tabs. Among equals: tabs without quotes, then the double quote, then the single one.
    """
    delimiters = "\t" if file_name.lower().endswith(TAB_SUFFIXES) else ",;\t|"
    candidates = [
        Dialect(mark, quote) for mark in delimiters for quote in ((None, '"') if mark == "\t" else ('"', "'", None))
    ]
    names = [name for name in columns.values() if isinstance(name, str)]
    n_needed = max((position + 1 for position in columns.values() if isinstance(position, int)), default=len(columns))

    def score(dialect: Dialect) -> tuple[bool, float]:
        widths, first, n_faults = _widths(dialect, lines)
        width, n_rows = widths.most_common(1)[0] if widths else (0, 0)
        has_columns = set(names) <= set(first) and width >= n_needed
        return has_columns, n_rows / max(widths.total() + n_faults, 1)

    best = max(candidates, key=score)
    return best, _widths(best, lines)[0].most_common(1)[0][0] if _widths(best, lines)[0] else n_needed


def _widths(dialect: Dialect, lines: Sequence[str]) -> tuple[Counter[int], list[str], int]:
    """How many rows have how many fields; the first row; how many rows have unbalanced quotes."""
    widths: Counter[int] = Counter()
    first: list[str] = []
    n_faults = 0
    rows = dialect.rows(line + "\n" for line in lines)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return widths, first, n_faults
        except csv.Error:
            n_faults += 1
            continue
        if row:
            first = first or [name.strip() for name in row]
            widths[len(row)] += 1


@dataclass(frozen=True)
class _Row:
    """A row: its fields (none where its quotes are unbalanced), and the lines that it is made of."""

    fields: list[str]
    lines: tuple[TextLine, ...]
    fault: str = ""


def _rows(lines: Iterator[TextLine], dialect: Dialect) -> Iterator[_Row]:
    taken: list[TextLine] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line.text + "\n"

    rows = dialect.rows(feed())
    while True:
        try:
            fields, fault = next(rows), ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, fault = [], str(error)
        if fields or fault:  # a blank line between rows is no row
            yield _Row(fields, tuple(taken), fault)
        taken.clear()


def _good_lines(lines: Iterator[TextLine | RejectedRecord], rejected: list[RejectedRecord]) -> Iterator[TextLine]:
    for line in lines:
        if isinstance(line, RejectedRecord):
            rejected.append(line)
        else:
            yield line


def _parse_row(row: _Row, positions: Mapping[str, int], n_fields: int) -> Record:
    number, n_bytes = row.lines[0].number, sum(line.n_bytes for line in row.lines)
    shown = {"line": number, "text": "\n".join(line.text for line in row.lines)[:SHOWN_CHARS]}
    if row.fault:
        message = f"the row at line {number} has unbalanced quotation marks ({row.fault}): double those inside a field"
        return RejectedRecord(f"line={number}", "quotes_unbalanced", message, n_bytes, shown)
    if len(row.fields) != n_fields:
        counts = f"{len(row.fields)} fields, not {n_fields}"
        message = f"the row at line {number} has {counts}: quote fields that hold the delimiter"
        return RejectedRecord(f"line={number}", "fields_too_few_or_many", message, n_bytes, shown)
    label = row.fields[positions["label"]].strip()
    notes = row.lines[0].notes if label else (*row.lines[0].notes, Note("label_missing"))
    return ParsedDocument(
        f"line={number}", row.fields[positions["text"]], n_bytes, EXTRACTOR, label=label or None, notes=notes
    )
