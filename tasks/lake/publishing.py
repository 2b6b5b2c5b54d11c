"""Publishing: the next manifest, its warehouse and its links, claimed by one rename, put in force by one link.

A snapshot is built whole in a folder that no reader looks at, claimed by renaming that folder to `snapshots/<id>`
(which fails where somebody else made that snapshot first: then it is built anew on top of theirs), and put in force by
switching the link `current` in one rename; `warehouse.duckdb` is a link through it, for ever the same. Claim and switch
are done under a lock that the kernel frees when its holder ends, so the link never moves backwards; a publisher killed
between the two leaves a claimed snapshot, which the next publisher puts in force before its own.
"""

from __future__ import annotations

import errno
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.ops import SNAPSHOTS
from expectations.contracts.tables import TABLES
from tasks.lake.current_files import write_links
from tasks.lake.events import append_event, extend_volumes
from tasks.lake.files import TEMPORARY, FileRef, is_whole, sync_folder, write_bytes, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.locks import hold, publishing_lock
from tasks.lake.manifests import MANIFEST, Manifest, present_id, read_manifest, snapshot_ids, unfilled_tables
from tasks.lake.stages import StageRecord
from tasks.lake.warehouse import WAREHOUSE, build_warehouse

__all__ = ["Manifest", "publish", "read_manifest"]


def publish(lake: Lake, records: Sequence[StageRecord], run_id: str) -> Manifest:
    """The snapshot in force with `records` in it: those stages replaced, all others as they were published last.

    Where nothing differs from the last snapshot, that one. LakeError, and the previous snapshot stays in force, where a
    file of `records` is not there in full or the disk refuses.
    """
    try:
        while True:
            base = _last_claimed(lake)
            if base is not None and not _differs(base, records):
                _check_files(lake, base)
                return _put_in_force(lake, base)
            manifest = _next_manifest(lake, base, records, run_id)
            _check_files(lake, manifest)
            with _building(lake) as folder:
                write_bytes(folder / MANIFEST, manifest.as_json())
                build_warehouse(lake, manifest, folder / WAREHOUSE)
                write_links(lake, manifest, folder)
                sync_folder(folder)
                if _claim(lake, folder, manifest):
                    return _put_in_force(lake, manifest)
    except OSError as error:
        raise LakeError(
            f"cannot publish in {lake.home} ({error.strerror or error}): free space or give another --home"
        ) from error


def _next_manifest(lake: Lake, base: Manifest | None, records: Sequence[StageRecord], run_id: str) -> Manifest:
    stages = {**(base.stages if base else {}), **{record.stage: record for record in records}}
    return Manifest(
        snapshot_id=f"{int(base.snapshot_id) + 1 if base else 1:06d}",
        parent_id=base.snapshot_id if base else None,
        published_at=datetime.now(UTC),
        run_id=run_id,
        stages=stages,
        unfilled={name: (_empty_file(lake, name, base),) for name in unfilled_tables(stages)},
        volumes=extend_volumes(lake, base.volumes if base else None),
    )


def _empty_file(lake: Lake, table: str, base: Manifest | None) -> FileRef:
    """A file without rows, of the table's columns as they are today: the one that `base` has, if it is such."""
    for ref in base.unfilled.get(table, ()) if base else ():
        if is_whole(lake, ref) and pq.read_schema(lake.locate(ref.path)).equals(
            TABLES[table].arrow_schema(), check_metadata=True
        ):
            return ref
    return write_table(lake, table, TABLES[table].empty())


def _differs(base: Manifest, records: Sequence[StageRecord]) -> bool:
    """Whether any of `records` left other files than were published; how many of its steps were skipped is no
    difference.
    """
    published = {name: replace(stage, n_steps_run=0, n_steps_skipped=0) for name, stage in base.stages.items()}
    return any(published.get(record.stage) != replace(record, n_steps_run=0, n_steps_skipped=0) for record in records)


def _last_claimed(lake: Lake) -> Manifest | None:
    """The last snapshot that anybody made, in force or not yet."""
    known = snapshot_ids(lake)
    return read_manifest(lake, known[-1]) if known else None


@contextmanager
def _building(lake: Lake) -> Iterator[Path]:
    """A folder in which to build a snapshot, gone at the end unless it was claimed."""
    folder = Path(tempfile.mkdtemp(prefix=".", suffix=TEMPORARY, dir=lake.snapshots))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _claim(lake: Lake, folder: Path, manifest: Manifest) -> bool:
    """Give the built snapshot its name; False where somebody else has made one since its parent was read."""
    folder.chmod(0o755)  # mkdtemp makes 0700, and other users' DuckDB clients read the lake
    with hold(publishing_lock(lake)):
        if snapshot_ids(lake)[-1:] != [manifest.parent_id][: bool(manifest.parent_id)]:
            return False
        _check_files(lake, manifest)
        try:
            folder.rename(lake.snapshots / manifest.snapshot_id)
        except OSError as error:
            if error.errno in (
                errno.EEXIST,
                errno.ENOTEMPTY,
            ):  # where locks do not reach, as between machines on some network disks
                return False
            raise
        sync_folder(lake.snapshots)
        return True


def _put_in_force(lake: Lake, manifest: Manifest) -> Manifest:
    """Lead readers to `manifest` unless they are led to a later one already, and log it; returns it."""
    with hold(publishing_lock(lake)):
        later = [name for name in snapshot_ids(lake) if int(name) >= int(manifest.snapshot_id)]
        if not is_linked(lake) or present_id(lake) not in later:
            point_link(lake, manifest.snapshot_id)
    append_event(lake, "ops.snapshots", manifest.snapshot_id, _snapshot_row(manifest))
    return manifest


def point_link(lake: Lake, snapshot_id: str) -> None:
    """Switch `current`, and with it `warehouse.duckdb`, to a snapshot, in one rename; the caller holds
    `publishing_lock`.

    A home of before `current` is first given both links as they lead now, so that at no moment they lead apart.
    """
    before = present_id(lake)
    if before is not None and not is_linked(lake) and (lake.snapshots / before).is_dir():
        _switch(lake, lake.current, lake.snapshots / before)
    if not is_linked(lake):
        _switch(lake, lake.warehouse, lake.current / WAREHOUSE)
    _switch(lake, lake.current, lake.snapshots / snapshot_id)


def is_linked(lake: Lake) -> bool:
    """Whether `warehouse.duckdb` leads through `current`, and no copying tool has put a folder in the place of that."""
    try:
        leads_through = lake.warehouse.readlink() == Path(lake.current.name, WAREHOUSE)
    except OSError:
        return False
    return leads_through and (lake.current.is_symlink() or not lake.current.exists())


def _switch(lake: Lake, link: Path, target: Path) -> None:
    """Make `link` lead to `target`, in one rename; a folder in its place is put out of the way first."""
    temporary = lake.home / f".{secrets.token_hex(8)}{TEMPORARY}"
    try:
        if link.is_dir() and not link.is_symlink():
            link.rename(temporary.with_suffix(f".old{TEMPORARY}"))  # the next vacuum removes it
        temporary.symlink_to(target.relative_to(lake.home))
        temporary.replace(link)
        sync_folder(lake.home)
    finally:
        temporary.unlink(missing_ok=True)


def _snapshot_row(manifest: Manifest) -> pa.Table:
    files = [ref for refs in manifest.tables.values() for ref in refs]
    row = {
        "snapshot_id": manifest.snapshot_id,
        "parent_id": manifest.parent_id,
        "published_at": manifest.published_at,
        "run_id": manifest.run_id,
        "n_files": len(files),
        "n_rows": sum(ref.n_rows for ref in files),
        "n_bytes": sum(ref.n_bytes for ref in files),
        "manifest_sha256": hashlib.sha256(manifest.as_json()).hexdigest(),
    }
    return pa.Table.from_pylist([row], schema=SNAPSHOTS.arrow_schema())


def _check_files(lake: Lake, manifest: Manifest) -> None:
    """LakeError where a file that readers will need is not there in full."""
    for ref in manifest.step_files:
        if not is_whole(lake, ref):
            raise LakeError(f"the file {ref.path} of {ref.table} is not there in full: run again, and it is made anew")
