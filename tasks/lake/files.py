"""Immutable files: written under a temporary name, synced, renamed; Parquet named by its content."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.tables import TABLES
from tasks.lake.layout import Lake, LakeError

ROWS_PER_GROUP = 131_072  # 2**17: DuckDB reads a row group per thread; its own files use 122,880
TEMPORARY = ".part"


@dataclass(frozen=True)
class FileRef:
    """A file that will never change: the table (or kind of artefact) it belongs to, where it lies under the home, what
    is in it.
    """

    table: str
    path: str
    n_rows: int
    n_bytes: int
    sha256: str


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """An empty file in `folder` under a name that no reader looks at, gone at the end unless `settle` moved it.

    LakeError where the disk is full or refuses. A file that is not found inside is somebody else's, and its error goes
    through.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=TEMPORARY, dir=folder)
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LakeError(
            f"cannot write in {folder} ({error.strerror or error}): free space or give another --home"
        ) from error


def settle(temporary: Path, path: Path) -> None:
    """Give a finished temporary file its name: synced, renamed, the folder synced.

    A kill at any instant leaves either no `path` or the whole of it.
    """
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.chmod(0o644)  # mkstemp makes 0600, and other users' DuckDB clients read the lake
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a rename is only safe once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step."""
    with temporary_file(path.parent) as temporary:
        temporary.write_bytes(content)
        settle(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` as JSON with sorted keys, in one step."""
    write_bytes(path, canonical_json(value) + b"\n")


def canonical_json(value: Any) -> bytes:
    """`value` as JSON: equal values give equal bytes. TypeError for anything that JSON has no form for."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest_file(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_table(
    lake: Lake,
    table: str,
    rows: pa.Table | Iterable[pa.RecordBatch],
    *,
    schema: pa.Schema | None = None,
    rows_per_group: int = ROWS_PER_GROUP,
) -> FileRef:
    """Write rows as one Parquet file named by its content, and say what it is; equal rows give the equal file.

    A published table (a name in `TABLES`) is cast to its contract, and a `pa.Table` is sorted by the contract's key;
    any other name is a working table, in its given order. A stream of record batches (give `schema` for a working
    table) is written as it comes, so that it never stands in memory whole; its order is the caller's. How rows are cut
    into batches makes no difference. Smaller row groups (`rows_per_group`) are for working tables of which later steps
    read some rows.
    """
    contract = TABLES.get(table)
    if contract is not None:
        schema = contract.arrow_schema()
    if isinstance(rows, pa.Table):
        schema = schema or rows.schema
        if contract is not None:
            rows = rows.select(schema.names).cast(schema).sort_by([(name, "ascending") for name in contract.key])
        batches: Iterable[pa.RecordBatch] = rows.to_batches()
    else:
        if schema is None:
            raise TypeError(f"a stream of rows for the working table {table} needs its schema")
        batches = rows
    n_rows = 0
    with temporary_file(lake.tables / table) as temporary:
        with pq.ParquetWriter(
            temporary, schema, compression="zstd", compression_level=3, max_rows_per_page=ROWS_PER_GROUP
        ) as writer:
            for group in _row_groups(batches, schema):
                writer.write_table(group, row_group_size=rows_per_group)
                n_rows += group.num_rows
        sha256, n_bytes = digest_file(temporary), temporary.stat().st_size
        path = temporary.with_name(f"{sha256}.parquet")
        settle(temporary, path)
    return FileRef(table, relative_path(lake, path), n_rows, n_bytes, sha256)


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of `batches` in tables of ROWS_PER_GROUP rows, the last of fewer, cast to `schema`."""
    waiting: list[pa.Table] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
        n_waiting += batch.num_rows
        if n_waiting >= ROWS_PER_GROUP:
            rows = pa.concat_tables(waiting)
            n_whole = n_waiting - n_waiting % ROWS_PER_GROUP
            for start in range(0, n_whole, ROWS_PER_GROUP):
                yield rows.slice(start, ROWS_PER_GROUP).combine_chunks()
            waiting, n_waiting = [rows.slice(n_whole)], n_waiting - n_whole
    if n_waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def relative_path(lake: Lake, path: Path) -> str:
    """Where a file of the lake lies under the home, as it is stored: `lake.locate` finds it again."""
    return path.relative_to(lake.home).as_posix()


def is_whole(lake: Lake, ref: FileRef) -> bool:
    """Whether the file is there with its size; whether its bytes are the right ones is for `digest_file` to say."""
    try:
        return lake.locate(ref.path).stat().st_size == ref.n_bytes
    except OSError:
        return False


def read_table(lake: Lake, files: FileRef | Sequence[FileRef], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one file, or of several one after another; only `columns` where given. LakeError where a file is gone
    or no Parquet.
    """
    refs = [files] if isinstance(files, FileRef) else list(files)
    if not refs:
        raise ValueError("no files to read: an empty table still has one file, without rows")
    try:
        return pa.concat_tables([_read_parquet(lake.locate(ref.path), columns) for ref in refs])
    except (OSError, pa.ArrowInvalid) as error:
        raise LakeError(
            f"a file of the table {refs[0].table} cannot be read ({error}): run `tidemill doctor`"
        ) from error


def _read_parquet(path: Path, columns: Sequence[str] | None) -> pa.Table:
    with pq.ParquetFile(
        path, memory_map=True
    ) as opened:  # not `pq.read_table`, which makes a column of a folder called `env=prod`
        return opened.read(columns=None if columns is None else list(columns))
