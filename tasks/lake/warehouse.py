"""The DuckDB file of a snapshot: a view a table over its Parquet files, comments, and macros. It holds no rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.table_contract import TableContract
from tasks.lake.events import Volumes, volume_folder
from tasks.lake.layout import Lake, LakeError
from tasks.lake.manifests import Manifest, require_snapshot
from tasks.lake.statements import first_line, literal, sql_of

WAREHOUSE = "warehouse.duckdb"
MACROS: Mapping[str, tuple[str, ...]] = {
    "fold_case": (),
    "search": ("documents", "terms", "tfidf", "vocabulary"),
    "similar_words": ("models", "word_vectors"),
    "similar_documents": ("documents", "tfidf"),
    "mobility_as_of": ("mobility_revisions",),
    "policy_as_of": ("policy_revisions",),
    "mobility_with_policy": ("mobility", "policy"),
}
"""The macros that a warehouse has, each with the tables that it reads: without one of them it is left out."""
VECTOR = pa.list_(pa.float32())
SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
    VECTOR: "FLOAT[]",
    pa.list_(pa.string()): "VARCHAR[]",
}
"""How DuckDB calls each type that a contract may have."""


def build_warehouse(lake: Lake, manifest: Manifest, path: Path) -> None:
    """Make the snapshot's DuckDB file at `path`, closed and synced, no log beside it.

    Each view is held against the rows that the manifest promises. LakeError where they differ, where a file is gone or
    no Parquet, or the disk refuses.
    """
    try:
        with duckdb.connect(path) as connection:
            connection.execute("BEGIN")
            connection.execute("CREATE SCHEMA ops")
            connection.execute(sql_of("lake/data_root"))
            connection.execute("SET VARIABLE data_root = ?", [str(lake.home)])  # built under another name than read
            for name, contract in TABLES.items():
                _create_view(connection, lake, manifest, contract)
                _comment(connection, contract)
                _check_rows(connection, manifest, name)
            for macro, tables in MACROS.items():
                if TABLES.keys() >= set(tables):
                    connection.execute(sql_of(f"lake/{macro}"))
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")  # closing does so too, but keeps silent where it fails
        with path.open("rb") as built:
            os.fsync(built.fileno())
    except (duckdb.Error, OSError) as error:
        raise LakeError(
            f"cannot build {path.name} ({first_line(error)}): free space, or run `tidemill doctor`"
        ) from error
    if log_beside(path).exists():
        raise LakeError(f"DuckDB left a log beside {path.name}, nothing was published: free space and run again")


def log_beside(warehouse: Path) -> Path:
    """Where DuckDB would keep its write-ahead log: one that is left there is replayed into whatever file takes the
    place.
    """
    return warehouse.with_name(f"{warehouse.name}.wal")


def connect(lake: Lake, as_of: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the present snapshot, or to the one called `as_of`, reading this home.

    LakeError where nothing is published yet, or that snapshot is not there; the message says which are.
    """
    path = lake.snapshots / require_snapshot(lake, as_of) / WAREHOUSE
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        raise LakeError(f"cannot read {path} ({first_line(error)}): run `tidemill doctor`") from error
    connection.execute("SET VARIABLE data_root = ?", [str(lake.home)])
    return connection


def home_found(warehouse: Path) -> Path:
    """The home in which a plain client that opens this warehouse looks for files. duckdb.Error where it is none."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return Path(connection.execute("SELECT data_root()").fetchall()[0][0]).resolve()


def _create_view(
    connection: duckdb.DuckDBPyConnection, lake: Lake, manifest: Manifest, contract: TableContract
) -> None:
    """The view of one table. A vector column is of fixed size where all vectors are of one.

    Files that were written before a column came to the contract have NULL there.
    """
    name = contract.qualified_name
    types = {column.name: SQL_TYPES[column.type] for column in contract.columns}
    if name in EVENT_TABLES:
        connection.execute(_view("view_of_log", name, types, _log_paths(lake, name, manifest.volumes)))
        return
    paths = [ref.path for ref in manifest.tables[name]]
    held = dict(
        connection.execute(sql_of("lake/columns_of_files"), [[str(lake.locate(path)) for path in paths]]).fetchall()
    )
    absent = frozenset(types) - frozenset(held)
    is_mixed = any(n_files != len(paths) for column, n_files in held.items() if column in types)
    connection.execute(_view("view_of_files", name, types, paths, absent, is_mixed=is_mixed))
    vectors = [column.name for column in contract.columns if column.type == VECTOR]
    for vector in vectors:
        least, most = connection.execute(f'SELECT min(len("{vector}")), max(len("{vector}")) FROM {name}').fetchall()[0]
        if least is not None and 0 < least == most:
            types[vector] = f"FLOAT[{least}]"
    if vectors:
        connection.execute(f"DROP VIEW {name}")
        connection.execute(_view("view_of_files", name, types, paths, absent, is_mixed=is_mixed))


def _view(
    template: str,
    name: str,
    types: Mapping[str, str],
    paths: Iterable[str],
    absent: Collection[str] = (),
    *,
    is_mixed: bool = True,
) -> str:
    """The statement that creates a view; `absent` are columns that no file has, `is_mixed` says that some have not all
    others.
    """
    values = {column: "NULL" if column in absent else f'file."{column}"' for column in types}
    columns = ",\n    ".join(
        f'CAST({values[column]} AS {sql_type}) AS "{column}"' for column, sql_type in types.items()
    )
    lines = literal("\n".join(paths))
    return sql_of(f"lake/{template}", view=name, columns=columns, paths=lines, is_mixed="true" if is_mixed else "false")


def _comment(connection: duckdb.DuckDBPyConnection, contract: TableContract) -> None:
    name = contract.qualified_name
    text = f"One row is {contract.row_is}. Key: {', '.join(contract.key)}."
    connection.execute(f"COMMENT ON VIEW {name} IS {literal(text)}")
    for column in contract.columns:
        connection.execute(f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.comment)}')


def _log_paths(lake: Lake, table: str, volumes: Volumes) -> list[str]:
    folders = (volume_folder(lake, table, number) for number in (volumes.first, volumes.first + 1))
    return [
        *(ref.path for ref in volumes.archives[table]),
        *(f"{folder.relative_to(lake.home).as_posix()}/*.parquet" for folder in folders),
    ]


def _check_rows(connection: duckdb.DuckDBPyConnection, manifest: Manifest, name: str) -> None:
    """LakeError where a view does not give the rows that the manifest promises."""
    if name not in EVENT_TABLES:
        n_rows = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
        n_promised = sum(ref.n_rows for ref in manifest.tables[name])
        if n_rows != n_promised:
            raise LakeError(f"the files of {name} hold {n_rows} rows, {n_promised} were written: run `tidemill doctor`")
