"""Stages with rows of a test, for the tests of what validation makes of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.mobility import MOBILITY
from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, digest_file, read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord

DOC_IDS = [f"{number:016x}" for number in range(4)]


def document(doc_id: str, **changed: Any) -> dict[str, Any]:
    row = {
        "doc_id": doc_id,
        "source": "letters",
        "uri": f"letters/{doc_id}.txt",
        "kind": "text",
        "lang": "de",
        "lang_confidence": 1.0,
        "title": None,
        "text": "Straße <script>",
        "n_chars": 6,
        "n_words": 1,
        "content_sha256": "a" * 64,
        "extractor": "plain",
        "extraction_confidence": None,
        "published_on": None,
        "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return {**row, **changed}


def weight(doc_id: str, term: str = "straß", **changed: Any) -> dict[str, Any]:
    return {"doc_id": doc_id, "term": term, "n_occurrences": 1, "weight": 1.0, **changed}


def change(region_id: str, **changed: Any) -> dict[str, Any]:
    row = dict.fromkeys(MOBILITY.arrow_schema().names)
    row |= {"region_id": region_id, "observed_on": date(2020, 3, 1), "category": "parks", "change_pct": -10.0}
    row |= {"country_code": "DE", "country": "Germany", "vintage": "0" * 12}
    return {**row, **changed}


def any_file(lake: Lake, table: str, rows: Sequence[dict[str, Any]], schema: pa.Schema | None = None) -> FileRef:
    """A file of a table with rows that no contract was asked about."""
    lax = schema or pa.schema([(column.name, column.type) for column in TABLES[table].columns])
    path = lake.tables / table / "written.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=lax), path)
    sha256 = digest_file(path)
    path = path.rename(path.with_name(f"{sha256}.parquet"))
    return FileRef(table, path.relative_to(lake.home).as_posix(), len(rows), path.stat().st_size, sha256)


def stage(lake: Lake, name: str, **tables: Sequence[dict[str, Any]]) -> StageRecord:
    return StageRecord(name, {table: (any_file(lake, table, rows),) for table, rows in tables.items()}, (), 0, 0)


def weights_of_files(*files: FileRef) -> StageRecord:
    return StageRecord("features", {"tfidf": files}, (), 0, 0)


def rows_of(lake: Lake, record: StageRecord, table: str) -> list[dict[str, Any]]:
    return read_table(lake, record.tables[table]).to_pylist()


def told(lake: Lake) -> list[dict[str, Any]]:
    return [row for path in sorted(lake.ops.glob("validations/*/*.parquet")) for row in pq.read_table(path).to_pylist()]
