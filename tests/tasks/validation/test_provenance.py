"""Where a row came from: what it says itself, else its vintage, else its document."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.validation.provenance import origins_of, tables_of_origins


def working(lake: Lake, name: str, rows: list[dict[str, Any]]) -> dict[str, tuple[FileRef, ...]]:
    """A file of the columns that tell origins, under the name of the table that has them."""
    return {name: (write_table(lake, "origins", pa.Table.from_pylist(rows)),)}


def test_which_tables_tell_follows_from_the_columns():
    told = {name: tables_of_origins(TABLES[name]) for name in ("documents", "mobility", "policy", "tokens", "scores")}
    assert told == {
        "documents": (), "mobility": ("ops.vintages",), "policy": ("ops.vintages",), "tokens": ("documents",),
        "scores": (),
    }  # fmt: skip


def test_a_row_that_says_its_place_is_believed(lake):
    rows = pa.table({"source": ["letters", None], "uri": ["a.txt", "b.txt"]})
    assert origins_of(lake, TABLES["documents"], rows, {}) == [("letters", "a.txt"), None]


def test_a_vintage_leads_to_source_and_file_the_first_where_there_are_several(lake):
    fetched = datetime(2026, 1, 1, tzinfo=UTC)
    vintages = working(lake, "ops.vintages", [
        {"vintage": "b" * 12, "source": "second", "uri": "x.csv", "fetched_at": fetched},
        {"vintage": "b" * 12, "source": "first", "uri": "z.csv", "fetched_at": fetched},
        {"vintage": "a" * 12, "source": "italy", "uri": "it.csv", "fetched_at": fetched},
    ])  # fmt: skip
    rows = pa.table({"vintage": ["a" * 12, "b" * 12, "c" * 12, None]})
    expected = [("italy", "it.csv"), ("first", "z.csv"), None, None]
    assert origins_of(lake, TABLES["mobility"], rows, vintages) == expected


def test_a_document_leads_to_source_and_file(lake):
    documents = working(lake, "documents", [{"doc_id": "1" * 16, "source": "letters", "uri": "a.txt"}])
    rows = pa.table({"doc_id": ["1" * 16, "2" * 16]})
    assert origins_of(lake, TABLES["tokens"], rows, documents) == [("letters", "a.txt"), None]
    assert origins_of(lake, TABLES["tokens"], rows, {"documents": ()}) == [None, None]
    kept = pa.table({"kept_doc_id": ["1" * 16]})
    assert origins_of(lake, TABLES["duplicates"], kept, documents) == [("letters", "a.txt")]
