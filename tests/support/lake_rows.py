"""Small stages of known rows for the tests of the lake."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord


def write_rows(lake: Lake, table: str, rows: Sequence[Mapping[str, Any]]) -> FileRef:
    """A file of a published table."""
    return write_table(lake, table, pa.Table.from_pylist(list(rows), schema=TABLES[table].arrow_schema()))


def stage_of(stage: str, *files: FileRef, working: Sequence[FileRef] = ()) -> StageRecord:
    """A stage that left these files."""
    tables: dict[str, tuple[FileRef, ...]] = {}
    for ref in files:
        tables[ref.table] = (*tables.get(ref.table, ()), ref)
    return StageRecord(stage, tables, tuple(working), 1, 0)


def labels_of(lake: Lake, **labels: str) -> FileRef:
    """A file of `labels`: each keyword is a document (its name filled up with zeros), its value the label."""
    return write_rows(
        lake, "labels", [{"doc_id": name.rjust(16, "0"), "label": label} for name, label in labels.items()]
    )


def score_of(lake: Lake, value: float) -> FileRef:
    """A file of `scores` with one row."""
    return write_rows(lake, "scores", [{"model_id": "m", "metric": "mae", "split": "test", "value": value}])


def linked_rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    """What a tool gets that knows no more than the pattern `current/<table>/*.parquet`."""
    paths = sorted(lake.current.joinpath(*table.split(".")).glob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(path).read() for path in paths]).to_pylist()


def plain_rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    """What a DuckDB client without any of our code gets."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()
