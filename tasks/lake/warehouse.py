"""The DuckDB file of a snapshot: a view a table over its Parquet files, comments, and macros. It holds no rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.contracts import EVENT_TABLES, TABLES
from expectations.table_contract import Column, TableContract
from tasks.lake.events import Volumes, volume_folder
from tasks.lake.layout import Lake, LakeError
from tasks.lake.manifests import Manifest, present_id, snapshot_ids

SQL = Path(__file__).parents[1] / "sql" / "warehouse"
WAREHOUSE = "warehouse.duckdb"
SQL_TYPES = {
    pa.string(): "VARCHAR", pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.float64(): "DOUBLE",
    pa.date32(): "DATE", pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE", pa.list_(pa.float32()): "FLOAT[]",
}  # fmt: skip
"""How DuckDB calls each type that a contract may have."""


def build_warehouse(lake: Lake, manifest: Manifest, path: Path) -> None:
    """Make the snapshot's DuckDB file at `path`, closed and synced, no log beside it. LakeError where a file is gone or no Parquet."""
    try:
        with duckdb.connect(path) as connection:
            for statement in _statements(lake, manifest):
                connection.execute(statement)
            _check_rows(connection, manifest)
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        raise LakeError(f"cannot build {path.name} ({_first_line(error)}): free space, or run `tidemill doctor`") from error
    if path.with_name(f"{path.name}.wal").exists():
        raise LakeError(f"DuckDB left a log beside {path}: nothing was published; run again")
    with path.open("rb") as built:
        os.fsync(built.fileno())


def connect(lake: Lake, as_of: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the present snapshot, or to the one called `as_of`, reading this home wherever it was published.

    LakeError where nothing is published yet, or that snapshot is not there; the message says which are.
    """
    snapshot_id = as_of or present_id(lake)
    path = lake.snapshots / f"{snapshot_id}" / WAREHOUSE
    if snapshot_id is None:
        raise LakeError(f"nothing is published in {lake.home} yet: run `tidemill run` first")
    if snapshot_id not in snapshot_ids(lake):
        known = ", ".join(snapshot_ids(lake)) or "none"
        raise LakeError(f"there is no snapshot {snapshot_id} in {lake.home} (there are: {known}): give one of them to --as-of")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        raise LakeError(f"cannot read {path} ({_first_line(error)}): run `tidemill doctor`") from error
    connection.execute("SET VARIABLE data_root = ?", [str(lake.home)])
    return connection


def _statements(lake: Lake, manifest: Manifest) -> Iterator[str]:
    """Every statement that makes the warehouse, in order."""
    yield "CREATE SCHEMA ops"
    yield _sql("data_root", home=literal(str(lake.home)))
    for name, contract in TABLES.items():
        if name in EVENT_TABLES:
            yield _sql("view_of_log", view=name, columns=_columns(contract), paths=_lines(_log_paths(lake, name, manifest.volumes)))
        else:
            files = manifest.tables[name]
            yield _sql("view_of_files", view=name, columns=_columns(contract), paths=_lines(ref.path for ref in files))
        comment = f"One row is {contract.row_is}. Key: {', '.join(contract.key)}."
        yield f"COMMENT ON VIEW {name} IS {literal(comment)}"
        for column in contract.columns:
            yield f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.comment)}'


def _columns(contract: TableContract) -> str:
    return ", ".join(f'CAST("{c.name}" AS {_sql_type(c)}) AS "{c.name}"' for c in contract.columns)


def _sql_type(column: Column) -> str:
    return SQL_TYPES[column.type]


def _log_paths(lake: Lake, table: str, volumes: Volumes) -> list[str]:
    folders = (volume_folder(lake, table, number) for number in (volumes.first, volumes.first + 1))
    return [
        *(ref.path for ref in volumes.archives[table]),
        *(f"{folder.relative_to(lake.home).as_posix()}/*.parquet" for folder in folders),
    ]


def _check_rows(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """LakeError where a view does not give the rows that the manifest promises."""
    for name, files in manifest.tables.items():
        n_rows = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        if n_rows != (sum(ref.n_rows for ref in files),):
            raise LakeError(f"the files of {name} do not hold the rows that were written: run `tidemill doctor`")


def _lines(paths: Iterator[str] | Sequence[str]) -> str:
    return literal("\n".join(paths))


def literal(text: str) -> str:
    """`text` as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _sql(name: str, **parts: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8").format(**parts)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
