"""Documents as the stage `documents` leaves them, and the features built of them, for the tests of features."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS
from expectations.contracts.tables import TABLES
from support.chains import run_chain
from tasks.features.stage import CHAIN
from tasks.lake.files import read_table, write_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.lake.steps import StepRecord
from tasks.transforms.text.lexicon import TextSettings

# Texts of our own: document, language, text.
PART_ONE = [
    ("1", "en", "The boats left the harbour. The tide was high, and the mill turned."),
    ("2", "de", "Die Mühle mahlt bei Flut. Die Boote fahren!"),
    ("3", "en", "the and of"),
    ("4", "und", "?!"),
]
PART_TWO = [("5", "en", "A boat, a mill, and a tide mill."), ("6", "en", "\u200b \n")]
NEWCOMER = [("7", "de", "Das Boot liegt im Hafen.")]

Rows = Sequence[tuple[str, str, str]]


def leave_documents(lake: Lake, *parts: Rows) -> None:
    """Make these parts what the stage `documents` last left."""
    refs = []
    for part in parts:
        rows = [
            {
                "doc_id": doc_id.zfill(16),
                "source": "ours",
                "uri": f"{doc_id}.txt",
                "kind": "text",
                "lang": lang,
                "lang_confidence": 1.0,
                "text": text,
                "n_chars": len(text),
                "n_words": 0,
                "content_sha256": "0" * 64,
                "extractor": "plain",
                "fetched_at": datetime(2024, 1, 1, tzinfo=UTC),
            }
            for doc_id, lang, text in part
        ]
        refs.append(write_table(lake, "documents", pa.Table.from_pylist(rows, schema=DOCUMENTS.arrow_schema())))
    write_json(lake.stages / "documents.json", asdict(StageRecord("documents", {"documents": tuple(refs)}, (), 1, 0)))


def build(lake: Lake, settings: TextSettings | None = None) -> list[StepRecord]:
    """The records of all steps of features, in order."""
    return [record for records in run_chain(lake, CHAIN, settings).records.values() for record in records]


def rows_of(lake: Lake, records: Sequence[StepRecord], table: str) -> pa.Table:
    """All rows of a table that these records left, by its key."""
    rows = read_table(lake, [ref for record in records for ref in record.files_of(table)])
    return rows.sort_by([(name, "ascending") for name in TABLES[table].key])
