"""Tests of word vectors in their files, a question a line: pairs of words rated by people; analogies a : b = c : d."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from tasks.transforms.records.parsed_records import ParseLimits, RejectedRecord
from tasks.transforms.records.text_lines import TextLine, read_lines
from tasks.transforms.text.normalise import normalise_text

N_WORDS_OF_ANALOGY = 4
COLUMNS_OF_PAIR = 3
COMMENT, SECTION = "#", ":"
# In the order in which they are looked for; white space where a line holds none of them. Every set in common use has
# one of these.
SEPARATORS = ("\t", ";", ":", ",")


class Question(NamedTuple):
    """A question of a test, words as in the file, in NFC; `line` from 1. Two words and a rating, or four and None."""

    line: int
    section: str | None
    words: tuple[str, ...]
    rating: float | None


ParsedQuestion = Question | RejectedRecord


def parse_word_pairs(stream: BinaryIO, limits: ParseLimits) -> Iterator[ParsedQuestion]:
    """A question for each line of word, word, rating, parted by tabs, semicolons, colons, commas or white space; more
    columns are left out.

    Passed over: blank lines, lines that begin with #, and a first line of three columns without a number in the third
    (a header). Any other line is rejected, and so is a file without a question.
    """

    def parse(line: TextLine, _section: str | None, *, is_first: bool) -> ParsedQuestion | None:
        columns = _columns(line.text)
        if len(columns) < COLUMNS_OF_PAIR or not all(columns[:2]):
            return _rejected(line, "line_no_word_pair", "is no pair of words with a rating: write word, word, number")
        rating = _number(columns[2])
        if rating is not None:
            return Question(line.number, None, (columns[0], columns[1]), rating)
        return (
            None
            if is_first
            else _rejected(line, "rating_no_number", f"rates the pair {columns[2]!r}: write a number, with a full stop")
        )

    return _parse(stream, limits, parse)


def parse_analogies(stream: BinaryIO, limits: ParseLimits) -> Iterator[ParsedQuestion]:
    """A question for each line of four words; a line that begins with a colon names the section of those after it.

    Passed over: blank lines and lines that begin with #. Any other line is rejected, and so is a file without a
    question.
    """

    def parse(line: TextLine, section: str | None, *, is_first: bool) -> ParsedQuestion:  # noqa: ARG001  # no header
        words = tuple(normalise_text(line.text).split())
        if len(words) != N_WORDS_OF_ANALOGY:
            return _rejected(line, "line_no_analogy", f"has {len(words)} words: write four, or `: name` for a section")
        return Question(line.number, section, words, None)

    return _parse(stream, limits, parse, has_sections=True)


def _parse(
    stream: BinaryIO, limits: ParseLimits, parse: Callable[..., ParsedQuestion | None], *, has_sections: bool = False
) -> Iterator[ParsedQuestion]:
    section: str | None = None
    is_first, n_records = True, 0
    for line in read_lines(stream, limits.most_line_bytes):
        if isinstance(line, RejectedRecord):
            n_records += 1
            yield line
            continue
        if line.is_blank or line.text.startswith(COMMENT):
            continue
        if has_sections and line.text.startswith(SECTION):
            section = normalise_text(line.text.removeprefix(SECTION)).strip() or None
            continue
        question = parse(line, section, is_first=is_first)
        is_first = False
        if question is not None:
            n_records += 1
            yield question
    if not n_records:
        yield RejectedRecord("", "no_question", "the file holds no question: give one a line, or remove the file", 0)


def _columns(text: str) -> list[str]:
    text = normalise_text(text)
    separator = next((separator for separator in SEPARATORS if separator in text), None)
    return [column.strip() for column in (text.split() if separator is None else re.split(f"{separator}+", text))]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rejected(line: TextLine, rule: str, problem: str) -> RejectedRecord:
    return RejectedRecord(
        f"line={line.number}", rule, f"line {line.number} {problem}", line.n_bytes, {"line": line.text}
    )
