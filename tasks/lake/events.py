"""Logs of events: `ops.runs`, `ops.validations`, `ops.snapshots`, one immutable Parquet file an event, read live.

Files lie in numbered volumes, `ops/<table>/<volume>/<event>.parquet`, and events are appended to the open one. The
views of a snapshot read its archives (closed volumes, merged into one file each), and whatever lies in its volume and
the next. So a volume can be closed and merged while any number of readers look on: each of their queries finds every
event once, because a closed volume stays where it is until no snapshot that reads it is left. See
`docs/decisions/0001-publishing.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.files import FileRef, settle, temporary_file, write_bytes, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.locks import hold, log_lock

EVENTS_PER_VOLUME = (
    200  # opening 200 small files takes DuckDB about 15 ms (benchmarks/lake.py); beyond, a volume is worth merging
)


@dataclass(frozen=True)
class Volumes:
    """What a snapshot's views read of the logs: merged files of closed volumes by table, then volume `first` and the
    next as they grow.
    """

    first: int
    archives: Mapping[str, tuple[FileRef, ...]]


def append_event(lake: Lake, table: str, event_id: str, rows: pa.Table) -> None:
    """Add the rows of one event to a log, in one step; an event that stands already stays as it is. LakeError where the
    disk refuses.
    """
    contract = TABLES[table]
    if table not in EVENT_TABLES:
        raise ValueError(f"{table} is no log of events but a table of snapshots")
    name = f"{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}.parquet"
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        if any((volume_folder(lake, table, number) / name).exists() for number in (volume - 1, volume)):
            return
        ready = rows.select(contract.arrow_schema().names).cast(contract.arrow_schema())
        _write_event(
            volume_folder(lake, table, volume) / name, ready.sort_by([(key, "ascending") for key in contract.key])
        )


def open_volume(lake: Lake) -> int:
    """The number of the volume to which events are appended, from 1."""
    try:
        return int(_volume_record(lake).read_bytes())
    except FileNotFoundError:
        return 1
    except ValueError as error:
        raise LakeError(f"the record {_volume_record(lake)} is damaged: run `tidemill doctor`") from error


def log_folder(lake: Lake, table: str) -> Path:
    """Where a log lies."""
    return lake.ops / table.removeprefix("ops.")


def volume_folder(lake: Lake, table: str, volume: int) -> Path:
    """Where the events of one volume of a log lie."""
    return log_folder(lake, table) / f"{volume:06d}"


def make_volumes(lake: Lake, first: int) -> None:
    """See that readers find a file of today's columns in each log's volume `first` and in the next, if without rows.

    A pattern that matches nothing is an error in DuckDB, and so is a column that no file has.
    """
    for table in EVENT_TABLES:
        schema = TABLES[table].arrow_schema()
        name = f"none-{hashlib.sha256(schema.serialize()).hexdigest()[:12]}.parquet"
        for number in (first, first + 1):
            path = volume_folder(lake, table, number) / name
            if not path.exists():
                _write_event(path, schema.empty_table())


def extend_volumes(lake: Lake, before: Volumes | None) -> Volumes:
    """What the next snapshot's views read, after `before` (None: the first snapshot): what closed since is merged, a
    file a table.
    """
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        make_volumes(lake, volume)
    archives = {table: before.archives[table] if before else () for table in EVENT_TABLES}
    for number in range(before.first if before else volume, volume):
        for table in EVENT_TABLES:
            archives[table] += (
                write_table(lake, f"archive.{log_folder(lake, table).name}", _read_volume(lake, table, number)),
            )
    return Volumes(volume, archives)


def close_volume(lake: Lake, present: Volumes) -> bool:
    """Whether the open volume was closed, because it holds more than EVENTS_PER_VOLUME files; `present` is what readers
    look at now.
    """
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        n_files = max(sum(1 for _ in volume_folder(lake, table, volume).glob("*.parquet")) for table in EVENT_TABLES)
        if volume != present.first or n_files <= EVENTS_PER_VOLUME:
            return False
        write_bytes(_volume_record(lake), f"{volume + 1}\n".encode())
        return True


def old_volumes(lake: Lake, first: int) -> list[Path]:
    """Folders of closed volumes before the volume `first`."""
    return [folder for number, folder in _volume_folders(lake) if number < first]


def mend_volume(lake: Lake) -> bool:
    """Whether the record of the open volume was damaged, and was made anew: the last volume of all is open, as readers
    look there too.
    """
    with hold(log_lock(lake)):
        try:
            open_volume(lake)
        except LakeError:
            last = max((number for number, _ in _volume_folders(lake)), default=1)
            write_bytes(_volume_record(lake), f"{last}\n".encode())
            return True
    return False


def _volume_record(lake: Lake) -> Path:
    return lake.ops / "volume"


def _volume_folders(lake: Lake) -> list[tuple[int, Path]]:
    folders = (folder for table in EVENT_TABLES for folder in log_folder(lake, table).glob("[0-9]*"))
    return sorted((int(folder.name), folder) for folder in folders if folder.name.isdecimal())


def _read_volume(lake: Lake, table: str, volume: int) -> pa.Table:
    """The events of a closed volume, sorted by key, with all columns that any of them had when it was written."""
    events = [pq.ParquetFile(path).read() for path in sorted(volume_folder(lake, table, volume).glob("*.parquet"))]
    return pa.concat_tables(events, promote_options="default").sort_by(
        [(key, "ascending") for key in TABLES[table].key]
    )


def _write_event(path: Path, rows: pa.Table) -> None:
    with temporary_file(path.parent) as temporary:
        pq.write_table(rows, temporary, compression="zstd")
        settle(temporary, path)
