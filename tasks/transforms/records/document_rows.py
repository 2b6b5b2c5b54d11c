"""Parsed records to rows: documents, labels, tagged tokens; for every record a line of the ledger or in quarantine."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS, LABELS, TREEBANK
from expectations.contracts.ops import LEDGER
from tasks.transforms.records.parsed_records import ParsedDocument, Record, RejectedRecord
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.transforms.text.language import identify_language
from tasks.transforms.text.normalise import normalise_text
from tasks.transforms.text.tokens import cut_tokens

SIZE_OF_TOKEN = 64
# Our choice: one text that is not in normal form makes so many be looked at one by one, which is dear where they are
# long.
NORMALISED_TOGETHER, SHORT_CHARS = 128, 200
DECISION_COLUMNS = ("subject", "outcome", "rule", "score", "n_bytes_before", "n_bytes_after")


@dataclass(frozen=True)
class Origin:
    """Where records come from: source, its kind and declared language, the raw item's uri, vintage and first fetch."""

    source: str
    kind: str
    lang: str | None
    uri: str
    vintage: str
    fetched_at: datetime


@dataclass(frozen=True)
class DocumentTables:
    """Rows by table, and the count of records: in, out, and by rule those that are no documents."""

    tables: Mapping[str, pa.Table]
    n_records: int
    n_documents: int
    set_aside: Mapping[str, int]


def make_doc_id(source: str, uri: str) -> str:
    """First 16 hex digits of SHA-256 over source, NUL and uri, in UTF-8."""
    return hashlib.sha256(f"{source}\0{uri}".encode()).hexdigest()[:16]


class Columns:
    """Rows as they gather, column by column: millions of rows as tuples would keep Python's garbage collector busy."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._columns: list[list[Any]] = [[] for _ in schema]

    def __len__(self) -> int:
        return len(self._columns[0])

    def append(self, row: tuple[Any, ...]) -> None:
        """Add one row, its values in the order of the schema."""
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)

    def take(self) -> pa.Table:
        """All rows; none is left here."""
        taken, self._columns = self._columns, [[] for _ in self.schema]
        return pa.table(
            [pa.array(column, kind.type) for column, kind in zip(taken, self.schema, strict=True)], schema=self.schema
        )


@dataclass
class DocumentRows:
    """Rows as they gather. `stage` and `code_version` go into the ledger."""

    stage: str
    code_version: str
    size: int = 0  # what has gathered: characters, and 64 for each tagged token
    n_records: int = 0
    _waiting: list[tuple[Origin, ParsedDocument]] = field(default_factory=list)
    _documents: Columns = field(default_factory=lambda: Columns(_without_words(DOCUMENTS.arrow_schema())))
    _labels: Columns = field(default_factory=lambda: Columns(LABELS.arrow_schema()))
    _treebank: Columns = field(default_factory=lambda: Columns(TREEBANK.arrow_schema()))
    _decisions: Columns = field(
        default_factory=lambda: Columns(pa.schema([LEDGER.arrow_schema().field(name) for name in DECISION_COLUMNS]))
    )
    _quarantine: list[SetAside] = field(default_factory=list)
    _set_aside: Counter[str] = field(default_factory=Counter)

    def add(self, origin: Origin, record: Record) -> None:
        """Take one record in: as a document where it holds text, else by the rule that it breaks."""
        self.n_records += 1
        if isinstance(record, RejectedRecord):
            self._reject(origin, record)
            return
        self.size += len(record.text) + SIZE_OF_TOKEN * len(record.tagged)
        self._waiting.append((origin, record))
        if len(self._waiting) == NORMALISED_TOGETHER:
            self._settle()

    def take(self) -> DocumentTables:
        """What has gathered, as tables in the form of their contracts, empty ones left out; nothing is left here."""
        self._settle()
        tables = {
            "documents": _with_words(self._documents.take()),
            "labels": self._labels.take(),
            "treebank": self._treebank.take(),
            "ops.ledger": _ledger_table(self._decisions.take(), self.stage, self.code_version),
            "ops.quarantine": quarantine_table(self._quarantine),
        }
        taken = DocumentTables(
            {name: table for name, table in tables.items() if table.num_rows},
            self.n_records,
            tables["documents"].num_rows,
            dict(self._set_aside),
        )
        self._quarantine.clear()
        self._set_aside.clear()
        self.size = self.n_records = 0
        return taken

    def _settle(self) -> None:
        """Make rows of the documents that wait."""
        for (origin, record), normalised in zip(
            self._waiting, _normalise_all([record.text for _, record in self._waiting]), strict=True
        ):
            text = normalised.strip()
            if text:
                self._keep(origin, record, text)
            else:
                message = "nothing is left of the text: remove the record or correct its source"
                self._reject(origin, RejectedRecord(record.place, "no_text", message, record.n_bytes))
        self._waiting.clear()

    def _keep(self, origin: Origin, record: ParsedDocument, text: str) -> None:
        uri = _uri(origin, record.place)
        doc_id = make_doc_id(origin.source, uri)
        lang, lang_confidence = (origin.lang, 1.0) if origin.lang is not None else identify_language(text)
        utf8 = text.encode()
        title = normalise_text(record.title).strip() if record.title else None
        self._documents.append(
            (
                doc_id,
                origin.source,
                uri,
                origin.kind,
                lang,
                lang_confidence,
                title or None,
                text,
                len(text),
                hashlib.sha256(utf8).hexdigest(),
                record.extractor,
                None,
                record.published_on,
                origin.fetched_at,
            )
        )
        label = normalise_text(record.label).strip() if record.label else None
        if label:
            self._labels.append((doc_id, label))
        for position, word in enumerate(record.tagged):
            self._treebank.append((doc_id, position, *word))
        self._decisions.append((doc_id, "kept", "has_text", None, record.n_bytes, len(utf8)))
        for note in record.notes:
            self._decisions.append((doc_id, "changed", note.rule, note.score, record.n_bytes, len(utf8)))

    def _reject(self, origin: Origin, record: RejectedRecord) -> None:
        uri = _uri(origin, record.place)
        self._set_aside[record.rule] += 1
        self._decisions.append((make_doc_id(origin.source, uri), record.outcome, record.rule, None, record.n_bytes, 0))
        if record.outcome == "set_aside":
            message = f"{uri}: {record.message}"
            self._quarantine.append(
                SetAside("documents", record.rule, message, record.row, origin.source, uri, origin.vintage)
            )


def _uri(origin: Origin, place: str) -> str:
    """The document's uri; an address captured from the web may hold lone surrogates, which have no UTF-8."""
    uri = f"{origin.uri}#{place}" if place else origin.uri
    return uri if uri.isascii() else uri.encode("utf-8", "replace").decode()


def _normalise_all(texts: list[str]) -> list[str]:
    """Each text normalised. Where short ones are in normal form together, so is each; one look is much the faster."""
    together = "\n".join(texts)
    if len(together) <= SHORT_CHARS * len(texts) and normalise_text(together) == together:
        return texts
    return [normalise_text(text) for text in texts]


def _without_words(schema: pa.Schema) -> pa.Schema:
    return schema.remove(schema.get_field_index("n_words"))


def _with_words(table: pa.Table) -> pa.Table:
    """Documents in the form of their contract, their words counted."""
    schema = DOCUMENTS.arrow_schema()
    place = schema.get_field_index("n_words")
    n_words = np.bincount(cut_tokens(table["text"].combine_chunks()).text, minlength=table.num_rows)
    return table.add_column(place, schema.field(place), pa.array(n_words, pa.int64()))


def _ledger_table(decisions: pa.Table, stage: str, code_version: str) -> pa.Table:
    """The ledger's lines on documents."""
    schema = LEDGER.arrow_schema()
    same = {"subject_kind": "document", "stage": stage, "code_version": code_version}
    columns = [
        decisions[field.name]
        if field.name in DECISION_COLUMNS
        else pa.repeat(pa.scalar(same.get(field.name), field.type), decisions.num_rows)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
