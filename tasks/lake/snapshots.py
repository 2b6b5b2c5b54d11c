"""Snapshots looked at from outside: which there are, and what changed from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.tables import TABLES
from expectations.table_contract import TableContract
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake, LakeError
from tasks.lake.manifests import Manifest, present_id, read_manifests, require_snapshot, snapshot_ids
from tasks.lake.statements import first_line, sql_of
from tasks.lake.vacuum import Vacuumed, vacuum

__all__ = ["Snapshot", "TableDiff", "Vacuumed", "diff", "list_snapshots", "vacuum"]


@dataclass(frozen=True)
class Snapshot:
    """A published state in one line."""

    snapshot_id: str
    parent_id: str | None
    published_at: datetime
    run_id: str
    n_files: int
    n_rows: int
    n_bytes: int
    is_present: bool


@dataclass(frozen=True)
class TableDiff:
    """What became of a table from one snapshot to another: files, rows in all, and rows by the table's key."""

    table: str
    files_added: tuple[FileRef, ...]
    files_removed: tuple[FileRef, ...]
    n_rows_before: int
    n_rows_after: int
    n_rows_added: int
    n_rows_removed: int
    n_rows_changed: int

    @property
    def is_same(self) -> bool:
        """Whether both snapshots hold the same rows of the table."""
        return not (self.n_rows_added or self.n_rows_removed or self.n_rows_changed)


def list_snapshots(lake: Lake) -> list[Snapshot]:
    """Every snapshot that is there, oldest first. LakeError where a manifest is damaged."""
    present = present_id(lake)
    return [
        summarise(manifest, is_present=manifest.snapshot_id == present)
        for manifest in read_manifests(lake, snapshot_ids(lake))
    ]


def summarise(manifest: Manifest, *, is_present: bool) -> Snapshot:
    """The manifest in one line; logs of events belong to no snapshot and are not counted."""
    files = [ref for refs in manifest.tables.values() for ref in refs]
    return Snapshot(
        manifest.snapshot_id,
        manifest.parent_id,
        manifest.published_at,
        manifest.run_id,
        len(files),
        sum(ref.n_rows for ref in files),
        sum(ref.n_bytes for ref in files),
        is_present,
    )


def diff(lake: Lake, earlier_id: str, later_id: str) -> list[TableDiff]:
    """What became of every table from snapshot `earlier_id` to `later_id`, in the order of the contracts.

    Only files that one of them has and the other has not are read. LakeError where a snapshot or a file is not there.
    """
    earlier, later = read_manifests(lake, [require_snapshot(lake, name) for name in (earlier_id, later_id)])
    with duckdb.connect() as connection:
        return [
            _diff_table(lake, connection, TABLES[name], earlier.tables[name], later.tables[name])
            for name in later.tables
        ]


def _diff_table(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    earlier: tuple[FileRef, ...],
    later: tuple[FileRef, ...],
) -> TableDiff:
    shared = set(earlier) & set(later)
    removed, added = (tuple(ref for ref in files if ref not in shared) for files in (earlier, later))
    try:
        by_key = _diff_rows(lake, connection, contract, removed, added)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise LakeError(
            f"the files of {contract.qualified_name} cannot be compared ({first_line(error)}): run `tidemill doctor`"
        ) from error
    n_rows = (sum(ref.n_rows for ref in earlier), sum(ref.n_rows for ref in later))
    return TableDiff(contract.qualified_name, added, removed, *n_rows, *by_key)


def _diff_rows(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    removed: Sequence[FileRef],
    added: Sequence[FileRef],
) -> tuple[int, int, int]:
    """Rows added, removed and changed, by key; a column that one of the snapshots did not have yet is not compared."""
    if not removed or not added:
        return sum(ref.n_rows for ref in added), sum(ref.n_rows for ref in removed), 0
    sides = {
        "earlier": [str(lake.locate(ref.path)) for ref in removed],
        "later": [str(lake.locate(ref.path)) for ref in added],
    }
    known = [set(pq.read_schema(paths[0]).names) for paths in sides.values()]
    shared = [column.name for column in contract.columns if all(column.name in names for names in known)]
    query = sql_of("lake/diff", columns=", ".join(shared), key=", ".join(contract.key), first_key=contract.key[0])
    n_added, n_removed, n_changed = connection.execute(query, sides).fetchall()[0]
    return n_added, n_removed, n_changed
