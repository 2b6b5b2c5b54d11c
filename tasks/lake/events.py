"""Logs of events: `ops.runs`, `ops.validations`, `ops.snapshots`, one immutable Parquet file an event, read live.

Files lie in numbered volumes, `ops/<table>/<volume>/<event>.parquet`, and events are appended to the open one. The views of a snapshot
read its archives (closed volumes, merged into one file each), and whatever lies in its volume and the next. So a volume can be closed
and merged while any number of readers look on: each of their queries finds every event once, because a closed volume stays where it is
until no snapshot that reads it is left. See `docs/decisions/0001-publishing.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts import EVENT_TABLES, TABLES
from tasks.lake.files import FileRef, settle, temporary_file, write_bytes, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.locks import hold, log_lock

EVENTS_PER_VOLUME = 200  # opening 200 small files takes DuckDB about 15 ms (benchmarks/lake.py); beyond, a volume is worth merging
NO_EVENT = "none.parquet"  # a file without rows in every volume: a glob that matches nothing is an error in DuckDB


@dataclass(frozen=True)
class Volumes:
    """What a snapshot's views read of the logs: merged files of closed volumes by table, then volume `first` and the next as they grow."""

    first: int
    archives: Mapping[str, tuple[FileRef, ...]]


def append_event(lake: Lake, table: str, event_id: str, rows: pa.Table) -> None:
    """Add the rows of one event to a log, in one step; an event that stands already stays as it is. LakeError where the disk refuses."""
    contract = TABLES[table]
    if table not in EVENT_TABLES:
        raise ValueError(f"{table} is no log of events but a table of snapshots")
    name = f"{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}.parquet"
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        if any((volume_folder(lake, table, number) / name).exists() for number in (volume - 1, volume)):
            return
        ready = rows.select(contract.arrow_schema().names).cast(contract.arrow_schema())
        _write_event(volume_folder(lake, table, volume) / name, ready.sort_by([(key, "ascending") for key in contract.key]))


def open_volume(lake: Lake) -> int:
    """The number of the volume to which events are appended, from 1."""
    try:
        return int((lake.ops / "volume").read_text())
    except FileNotFoundError:
        return 1
    except ValueError as error:
        raise LakeError(f"the record {lake.ops / 'volume'} is damaged: run `tidemill doctor`") from error


def volume_folder(lake: Lake, table: str, volume: int) -> Path:
    """Where the events of one volume of a log lie."""
    return lake.ops / table.removeprefix("ops.") / f"{volume:06d}"


def extend_volumes(lake: Lake, before: Volumes | None) -> Volumes:
    """What the next snapshot's views read, after `before` (None: the first snapshot): what closed since is merged, a file a table."""
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        for table in EVENT_TABLES:
            for number in (volume, volume + 1):
                none = volume_folder(lake, table, number) / NO_EVENT
                if not none.exists():
                    _write_event(none, TABLES[table].empty())
    archives = {table: before.archives[table] if before else () for table in EVENT_TABLES}
    for number in range(before.first if before else volume, volume):
        for table in EVENT_TABLES:
            archives[table] += (write_table(lake, table, _read_volume(lake, table, number)),)
    return Volumes(volume, archives)


def close_volume(lake: Lake, present: Volumes) -> bool:
    """Whether the open volume was closed, because it holds more than EVENTS_PER_VOLUME files; `present` is what readers look at now."""
    with hold(log_lock(lake)):
        volume = open_volume(lake)
        n_files = max(sum(1 for _ in volume_folder(lake, table, volume).glob("*.parquet")) for table in EVENT_TABLES)
        if volume != present.first or n_files <= EVENTS_PER_VOLUME:
            return False
        write_bytes(lake.ops / "volume", f"{volume + 1}\n".encode())
        return True


def _read_volume(lake: Lake, table: str, volume: int) -> pa.Table:
    files = sorted(volume_folder(lake, table, volume).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in files])


def _write_event(path: Path, rows: pa.Table) -> None:
    with temporary_file(path.parent) as temporary:
        pq.write_table(rows, temporary, compression="zstd")
        settle(temporary, path)
