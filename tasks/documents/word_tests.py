"""From raw files to `word_tests`: the questions on which word vectors are measured, one step a declared set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, BinaryIO, cast

import pyarrow as pa

from expectations.contracts.documents import WORD_TESTS
from models.settings import settings_of
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import Batch, StepOutput
from tasks.transforms.records.parsed_records import ParseLimits, RejectedRecord
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.transforms.records.source_format import Source
from tasks.transforms.records.word_tests import ParsedQuestion, Question, parse_analogies, parse_word_pairs

QuestionParser = Callable[[BinaryIO, ParseLimits], Iterator[ParsedQuestion]]
PARSERS: Mapping[str, QuestionParser] = {"word_pairs": parse_word_pairs, "analogies": parse_analogies}
"""The kinds of source whose records are questions."""
ROWS_AT_ONCE = 50_000  # our choice: the largest set in common use has 19,544 questions


@dataclass(frozen=True)
class WordTestFiles:
    """A declared set, its raw items, and what parses them."""

    source: Source
    items: tuple[RawItem, ...]
    parse: QuestionParser


def word_test_batches(sources: Sequence[FetchedSource]) -> list[Batch]:
    """One batch for each declared set."""
    batches = []
    for source, items in ((one.source, tuple(one.fetched.items)) for one in sources):
        if source.kind in PARSERS:
            parse = PARSERS[source.kind]
            settings = {"source": source.name, "kind": source.kind, "lang": source.lang, **settings_of(ParseLimits())}
            files, calls = WordTestFiles(source, items, parse), (cast("FunctionType", parse),)
            batches.append(Batch(f"{source.name}: word test", tuple(map(_digest, items)), files, settings, calls))
    return batches


def write_word_tests(lake: Lake, files: WordTestFiles) -> StepOutput:
    """Leave the questions of a set as `word_tests`, and in the quarantine what is none, by its line. Rows are
    records.
    """
    rows = _Rows(lake, files.source)
    for item, stream in read_raw(lake, files.items):
        n_before = rows.n_records
        try:
            if isinstance(stream, BadInputError):
                raise stream
            for record in files.parse(stream, ParseLimits()):
                rows.add(item, record)
        except BadInputError as error:
            place = "rest" if rows.n_records > n_before else ""
            rows.add(item, RejectedRecord(place, error.rule, str(error), item.n_bytes))
    return StepOutput(rows.close(), rows.n_records, rows.n_records - rows.set_aside.total(), dict(rows.set_aside))


def _digest(item: RawItem) -> str:
    return hashlib.sha256(f"{item.uri}\0{item.key}".encode()).hexdigest()


@dataclass
class _Rows:
    """Rows as they gather, written part by part, so that memory stays bounded."""

    lake: Lake
    source: Source
    n_records: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    _files: list[FileRef] = field(default_factory=list)
    _questions: list[dict[str, Any]] = field(default_factory=list)
    _quarantine: list[SetAside] = field(default_factory=list)

    def add(self, item: RawItem, record: ParsedQuestion) -> None:
        """Take one record in."""
        self.n_records += 1
        if isinstance(record, Question):
            self._questions.append(
                {
                    "source": self.source.name,
                    "uri": item.uri,
                    "line": record.line,
                    "lang": self.source.lang,
                    "kind": self.source.kind,
                    "section": record.section,
                    "words": list(record.words),
                    "rating": record.rating,
                    "vintage": item.vintage,
                }
            )
        else:
            self.set_aside[record.rule] += 1
            uri = f"{item.uri}#{record.place}" if record.place else item.uri
            message = f"{item.uri}: {record.message}"
            self._quarantine.append(
                SetAside(WORD_TESTS.name, record.rule, message, record.row, self.source.name, uri, item.vintage)
            )
        if len(self._questions) + len(self._quarantine) >= ROWS_AT_ONCE:
            self._write()

    def close(self) -> tuple[FileRef, ...]:
        """Every file, the last rows written too."""
        self._write()
        return tuple(self._files)

    def _write(self) -> None:
        if self._questions:
            rows = pa.Table.from_pylist(self._questions, schema=WORD_TESTS.arrow_schema())
            self._files.append(write_table(self.lake, WORD_TESTS.name, rows))
        if self._quarantine:
            self._files.append(write_table(self.lake, "ops.quarantine", quarantine_table(self._quarantine)))
        self._questions, self._quarantine = [], []
