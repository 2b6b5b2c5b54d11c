"""Delimited files in blocks of whole lines: clean blocks go through Arrow at full speed, and broken lines are found and
told apart.

A row is a physical line: the formats read here have no line ends inside fields. Where a block does not convert, its
lines are held against a pattern of plain rows, and only those that do not match are looked at field by field: a broken
line costs one slow pass over its own block and nothing elsewhere.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

BLOCK_BYTES = 8 << 20  # measured on 10 M rows: 2 to 16 MiB differ by less than the noise; memory grows with it
HEADER_BYTES = 1 << 20  # our choice: the widest real header (a column a day for three years) has 12 kB
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NOT_AVAILABLE = frozenset({"NA", "N/A", "n/a", "na", "NULL", "null"})
"""What programs write into a number column for "not published"."""
FOOTNOTE = "footnote"
"""The rule of lines that are words about the table: counted, and nothing to be shelved or mended."""
UNREADABLE = ("row_unreadable", "the row does not fit the file's columns: mend it in the file")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.ASCII)
CODE = re.compile(r"[A-Z]{2}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class RefusedFileError(Exception):
    """A file that is set aside whole. `rule` is what is true of it; the message tells what is wrong and its remedy."""

    def __init__(self, rule: str, problem: str, remedy: str) -> None:
        super().__init__(rule, problem, remedy)
        self.rule, self.problem, self.remedy = rule, problem, remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


@dataclass(frozen=True)
class Columns:
    """The columns of a file: all `names` in order, and the Arrow `types` of those that are read.

    `quantities` tell of each number column what it measures, `nulls` are the texts that mean "not published".
    """

    names: tuple[str, ...]
    types: Mapping[str, pa.DataType]
    quantities: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    nulls: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class BrokenRow:
    """A row set aside, as it came: `fields` by the header's names, or the whole `line` where they do not fit.

    `line_number` counts from 1, the header being line 1; None where the row is no single line.
    """

    line_number: int | None
    rule: str
    message: str
    fields: dict[str, str]


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no row of the file's schema; `number` counts from 1, the header being line 1."""

    number: int
    rule: str
    message: str
    text: str

    def as_row(self, columns: Columns) -> BrokenRow:
        """The line with its fields named, where there are as many as columns."""
        try:
            fields = split_fields(self.text, columns.delimiter)
        except ValueError:
            fields = []
        named = (
            dict(zip(columns.names, fields, strict=True)) if len(fields) == len(columns.names) else {"line": self.text}
        )
        return BrokenRow(self.number, self.rule, self.message, named)


@dataclass(frozen=True)
class Block:
    """Rows of one block of `n_lines`, with their lines (`content`, and numbers in the file); and the broken lines.

    `n_blank` rows had a word for "not available" (NOT_AVAILABLE) in a number column, read as not published.
    """

    rows: pa.Table
    line_numbers: NDArray[np.int64]
    content: bytes
    broken: tuple[BrokenLine, ...]
    n_lines: int
    n_blank: int = 0
    _lines: list[bytes] = field(default_factory=list)

    def text(self, row: int) -> str:
        """The line of a row as it came, without its end. Lines are split only on demand: most blocks are clean."""
        if not self._lines:
            self._lines.extend(self.content.split(b"\n"))
        return self._lines[row].decode("utf-8", "replace").rstrip("\r")


def read_header_line(stream: BinaryIO) -> str:
    """The first line, without byte-order mark and line end. RefusedFileError where the file is empty or no text."""
    line = stream.readline(HEADER_BYTES)
    if not line:
        raise RefusedFileError("file_empty", "the file is empty", "fetch it again, or remove it")
    if b"\0" in line or len(line) >= HEADER_BYTES:
        raise RefusedFileError(
            "file_binary", "the file is not text", "give a CSV file in UTF-8, plain or packed by gzip, xz or zip"
        )
    try:
        return line.removeprefix(BYTE_ORDER_MARK).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise RefusedFileError("file_not_utf8", "the header is not in UTF-8", "save the file as UTF-8") from error


def split_fields(line: str, delimiter: str = ",") -> list[str]:
    """The fields of one line. ValueError where its quotes do not end."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def header_fields(line: str, delimiter: str = ",") -> tuple[str, ...]:
    """The names in a header line, stripped. RefusedFileError where its quotes do not end."""
    try:
        return tuple(name.strip() for name in split_fields(line, delimiter))
    except ValueError as error:
        raise RefusedFileError(
            "header_unreadable", "a quotation mark in the header does not end", "mend the first line"
        ) from error


def whole_lines(stream: BinaryIO, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The rest of `stream` in blocks that end with a line end. RefusedFileError where a line exceeds `block_bytes`."""
    rest = b""
    while chunk := stream.read(block_bytes):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield rest + chunk[:cut]
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) > block_bytes:
            raise RefusedFileError(
                "line_too_long", f"a line has more than {block_bytes:,} bytes", "give a table in lines of text"
            )
    if rest:
        yield rest + b"\n"


def read_block(content: bytes, first_line: int, columns: Columns) -> Block:
    """The rows of `content` (whole lines, the first of them being line `first_line` of the file), and its broken lines.

    Each line is a row, a broken line, or blank. Every column is one chunk.
    """
    n_lines = content.count(b"\n")
    rows = _convert(content, n_lines, columns)
    if rows is not None:
        return Block(rows, np.arange(first_line, first_line + n_lines), content, (), n_lines)
    lines = [line + b"\n" for line in content.split(b"\n")[:-1]]
    faults = _find_faults(lines, columns)
    n_blank = _blank_unavailable(lines, faults, columns)
    kept = [place for place in range(len(lines)) if place not in faults]
    rows = _convert(b"".join(lines[place] for place in kept), len(kept), columns)
    if rows is None:  # something that Arrow takes amiss and we did not foresee
        faults |= {place: UNREADABLE for place in kept if _convert(lines[place], 1, columns) is None}
        kept = [place for place in kept if place not in faults]
        rows = _convert(b"".join(lines[place] for place in kept), len(kept), columns)
    if rows is None:
        raise ValueError(f"lines {first_line} to {first_line + n_lines} convert one by one, but not together")
    broken = (
        BrokenLine(first_line + place, rule, message, lines[place].decode("utf-8", "replace").rstrip("\r\n"))
        for place, (rule, message) in sorted(faults.items())
        if rule
    )
    content = b"".join(lines[place] for place in kept)
    return Block(rows, first_line + np.array(kept, np.int64), content, tuple(broken), n_lines, n_blank)


def _convert(content: bytes, n_lines: int, columns: Columns) -> pa.Table | None:
    """The lines as a table of one chunk; None where one of them is no row of this schema."""
    if not n_lines:
        return pa.schema([pa.field(name, type_) for name, type_ in columns.types.items()]).empty_table()
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            read_options=pa_csv.ReadOptions(column_names=columns.names, use_threads=False, block_size=len(content) + 1),
            parse_options=pa_csv.ParseOptions(delimiter=columns.delimiter),
            convert_options=pa_csv.ConvertOptions(
                column_types=columns.types,
                include_columns=list(columns.types),
                null_values=list(columns.nulls),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == n_lines else None


def _find_faults(lines: list[bytes], columns: Columns) -> dict[int, tuple[str, str]]:
    """Place to rule and message of each line that is no row; an empty rule for a blank line."""
    is_plain = _plain_row(columns).fullmatch
    faults = {}
    for place, line in enumerate(lines):
        if not is_plain(line):
            fault = line_fault(line, columns)
            if fault is not None:
                faults[place] = fault
    return faults


def _blank_unavailable(lines: list[bytes], faults: dict[int, tuple[str, str]], columns: Columns) -> int:
    """Empty the words for "not available" in number columns; lines that are rows then are put into `lines` and taken
    out of `faults`. How many they are.
    """
    n_blank = 0
    for place in [place for place, (rule, _) in faults.items() if rule.endswith("_not_a_number")]:
        fields = split_fields(lines[place].decode("utf-8").rstrip("\r\n"), columns.delimiter)
        emptied = [
            "" if name in columns.quantities and value.strip() in NOT_AVAILABLE else value
            for name, value in zip(columns.names, fields, strict=True)
        ]
        written = io.StringIO()
        csv.writer(written, delimiter=columns.delimiter, lineterminator="\n").writerow(emptied)
        line = written.getvalue().encode()
        if line_fault(line, columns) is None:
            lines[place] = line
            del faults[place]
            n_blank += 1
    return n_blank


def is_footnote(line: BrokenLine, columns: Columns) -> bool:
    """Whether a broken line is words about the table and no row of it, nor the rest of one: fields for less than half
    of the columns, and no number, date or code of two letters among them.
    """
    try:
        fields = [one.strip() for one in split_fields(line.text, columns.delimiter)]
    except ValueError:
        return False
    is_short = len(fields) <= len(columns.names) and len([one for one in fields if one]) * 2 < len(columns.names)
    return is_short and not any(NUMBER.fullmatch(one) or DATE.fullmatch(one) or CODE.fullmatch(one) for one in fields)


def _plain_row(columns: Columns) -> re.Pattern[bytes]:
    """A line of ASCII without quotes whose fields are as many as the columns, numbers where they belong."""
    delimiter = re.escape(columns.delimiter)
    number = "|".join([NUMBER.pattern, *map(re.escape, columns.nulls)])
    fields = (
        f"(?:{number})" if name in columns.quantities else rf"[^{delimiter}\"\r\n\x80-\xff]*" for name in columns.names
    )
    return re.compile((delimiter.join(fields) + r"\r*\n").encode("latin-1"))


def line_fault(line: bytes, columns: Columns) -> tuple[str, str] | None:
    """Rule and message of a line (with its end) that is no row; two empty strings for a blank one; None for a row."""
    try:
        text = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return "row_not_utf8", "the row is not in UTF-8: save the file as UTF-8"
    if not text.strip():
        return "", ""
    try:
        fields = split_fields(text, columns.delimiter)
    except ValueError:
        return "quote_unbalanced", "a quotation mark opens a field and none ends it: mend the row in the file"
    if len(fields) != len(columns.names):
        rule = "fewer_fields_than_header" if len(fields) < len(columns.names) else "more_fields_than_header"
        return rule, f"the row has {len(fields)} fields and the header {len(columns.names)}: mend the row in the file"
    for name, value in zip(columns.names, fields, strict=True):
        if (
            name in columns.quantities
            and value.strip() not in {"", *columns.nulls}
            and not NUMBER.fullmatch(value.strip())
        ):
            return not_a_number(columns.quantities[name], name, value)
    return None


def not_a_number(quantity: str, column: str, value: str) -> tuple[str, str]:
    """Rule and message of a text in a number column."""
    return (
        f"{quantity}_not_a_number",
        f"column {column} holds {value[:80]!r}, which is no number: mend it, or leave it empty (not published)",
    )
