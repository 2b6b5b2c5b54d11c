"""Columns that stand in several tables, and short forms to declare others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa

from expectations.table_contract import Column, Reference

UTC_TIME = pa.timestamp("us", tz="UTC")

SHA256 = "[0-9a-f]{64}"

LANG = "[a-z]{2,3}"  # ISO 639-1, or `und` where nobody can tell


def text(name: str, meaning: str, unit: str = "", pattern: str = "", *, is_nullable: bool = False) -> Column:
    """A column of text; `pattern` (RE2) must match the whole of it."""
    return Column(name, pa.string(), meaning, unit, is_nullable, pattern=pattern)


def count(name: str, meaning: str, unit: str, minimum: int = 0, *, is_nullable: bool = False) -> Column:
    """A column of whole numbers, none below `minimum`."""
    return Column(name, pa.int64(), meaning, unit, is_nullable, minimum=minimum)


def share(name: str, meaning: str, *, is_nullable: bool = False) -> Column:
    """A column of shares, 0 to 1."""
    return Column(name, pa.float64(), meaning, "share, 0 to 1", is_nullable, minimum=0.0, maximum=1.0)


def number(name: str, meaning: str, unit: str, *, is_nullable: bool = True) -> Column:
    """A column of real numbers."""
    return Column(name, pa.float64(), meaning, unit, is_nullable)


def day(name: str, meaning: str) -> Column:
    """A column of days."""
    return Column(name, pa.date32(), meaning, "date")


def moment(name: str, meaning: str, *, is_nullable: bool = False) -> Column:
    """A column of times, UTC."""
    return Column(name, UTC_TIME, meaning, "UTC", is_nullable)


def nullable(column: Column) -> Column:
    """The same column, in which NULL may stand."""
    return replace(column, is_nullable=True)


DOC_ID = text("doc_id", "Document: first 16 hex digits of SHA-256 over source and uri", pattern="[0-9a-f]{16}")

LANGUAGE = text("lang", "Language, ISO 639-1; und where it cannot be told", pattern=LANG)

SOURCE = text("source", "Name of the declared source")

VINTAGE = text(
    "vintage", "Fetch that the row comes from: first 12 hex digits of the raw bytes' SHA-256", pattern="[0-9a-f]{12}"
)

NORM = text("norm", "Normalised form: NFC, case-folded")

STEM = text("stem", "Snowball stem of the normalised form; the form itself where the language has no stemmer")

LEMMA = text(
    "lemma",
    "Dictionary form: of form and part of speech in a treebank, else by simplemma; the form itself where neither "
    "knows one",
)

IS_STOP = Column("is_stop", pa.bool_(), "Whether the form is on the language's stop list")

N_OCCURRENCES = count("n_occurrences", "Occurrences", "tokens", minimum=1)

N_DOCUMENTS = count("n_documents", "Documents that hold it", "documents", minimum=1)

TERM = text("term", "Indexed term: a stem")

MODEL_ID = text(
    "model_id", "Model: kind, language, and digest of data, settings, seed and weights", pattern="[a-z0-9_-]+"
)

REGION_ID = text("region_id", "Region: ISO 3166-1 country code, then names of its parts, joined with /")

COUNTRY_CODE = text("country_code", "ISO 3166-1 alpha-2 (NA is Namibia)", pattern="[A-Z]{2}")

# The first day of Google's reports is 2020-02-15, of the Oxford tracker 2020-01-01; a day after today is set aside at
# parsing.
OBSERVED_ON = replace(day("observed_on", "Day of the observation"), minimum=date(2020, 1, 1))

SNAPSHOT_ID = text("snapshot_id", "Published state, counted from 000001", pattern="[0-9]{6,}")

CODE_VERSION = text("code_version", "Digest of the code that decided", pattern="[0-9a-f]{12}")

RUN_ID = text("run_id", "Run of a flow")

OF_DOCUMENT = Reference("doc_id", "documents", "doc_id")

OF_MODEL = Reference("model_id", "models", "model_id")
