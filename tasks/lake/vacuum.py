"""What nobody needs any more, found and removed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from tasks.lake.events import close_volume, old_volumes
from tasks.lake.files import TEMPORARY, FileRef, read_table, relative_path
from tasks.lake.layout import Lake, LakeError
from tasks.lake.locks import hold, publishing_lock
from tasks.lake.manifests import Manifest, present_id, read_manifests, snapshot_ids
from tasks.lake.raw import raw_path
from tasks.lake.stages import read_stages
from tasks.lake.steps import latest_path, read_json, read_record

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum removed: snapshots by name, and files and bytes in all."""

    snapshots: tuple[str, ...]
    n_files: int
    n_bytes: int


def vacuum(lake: Lake, keep: int, *, spare: timedelta = A_DAY) -> Vacuumed:
    """Remove what none of the last `keep` snapshots, of the stages' present output, and of its steps needs; say how
    much it was.

    The present snapshot is kept, and whatever was written or found done within `spare`, because a run under way may
    be about to name it. Readers of the snapshots that are kept notice nothing; a publish waits at its end until the
    vacuum is over. A log's volume that has grown is closed. LakeError where `keep` is less than one, or the record of a
    snapshot or a stage is damaged.
    """
    if keep < 1:
        raise LakeError("at least one snapshot is kept: give --keep 1 or more")
    since = time.time() - spare.total_seconds()
    with hold(publishing_lock(lake)):
        ids, present = snapshot_ids(lake), present_id(lake)
        kept = read_manifests(lake, [name for name in ids if name in ids[-keep:] or name == present])
        going = tuple(name for name in ids if name not in {manifest.snapshot_id for manifest in kept})
        needed = _needed_paths(lake, kept, since)  # before anything goes: it fails where a record is damaged
        sizes = [size for name in going for size in _remove_snapshot(lake, name)]
        for path in [*_unneeded_files(lake, needed, since), *find_temporaries(lake, since)]:
            sizes += _remove(path)
        if kept:
            for folder in old_volumes(lake, min(manifest.volumes.first for manifest in kept)):
                sizes += _remove(folder)
            close_volume(
                lake, next((manifest for manifest in kept if manifest.snapshot_id == present), kept[-1]).volumes
            )
        for folder in sorted((path for path in lake.models.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):  # not empty
                folder.rmdir()
    return Vacuumed(going, len(sizes), sum(sizes))


def find_temporaries(lake: Lake, before: float) -> Iterator[Path]:
    """Unfinished files and folders last written before the time `before` (seconds since 1970): whoever was writing them
    is gone.
    """
    roots = (lake.raw, lake.tables, lake.steps, lake.stages, lake.snapshots, lake.models, lake.ops)
    listed = (
        Path(folder, name) for root in roots for folder, inner, names in os.walk(root) for name in (*inner, *names)
    )
    for path in (*lake.home.glob(".*"), *listed):
        if path.name.startswith(".") and path.name.endswith(TEMPORARY) and _written_at(path) < before:
            yield path


def _needed_paths(lake: Lake, kept: Sequence[Manifest], since: float) -> set[str]:
    """Paths under the home that must stay: of kept snapshots, of the stages, and of steps found done since the time
    `since`.
    """
    stages = read_stages(lake)
    needed = {ref.path for manifest in kept for ref in manifest.files}
    needed |= {ref.path for stage in stages for ref in stage.files}
    records = {path: record for path in lake.steps.glob("*/*.json") if (record := read_record(path)) is not None}
    in_use = {path for path in records if _written_at(path) >= since}
    needed |= {ref.path for path in in_use for ref in records[path].files}
    for path, record in records.items():
        latest = latest_path(lake, record.step, record.subject)
        is_latest = (read_json(latest) or {}).get("fingerprint") == record.fingerprint
        if path in in_use or (all(ref.path in needed for ref in record.files) if record.files else is_latest):
            needed |= {relative_path(lake, path), *([relative_path(lake, latest)] if is_latest else [])}
    tables = (*(manifest.tables for manifest in kept), *(stage.tables for stage in stages))
    return needed | set(_raw_paths(lake, [ref for files in tables for ref in files.get("ops.vintages", ())]))


def _raw_paths(lake: Lake, files: Sequence[FileRef]) -> Iterator[str]:
    """Where the raw bytes of the vintages in `files` lie."""
    for ref in dict.fromkeys(files):
        for sha256 in read_table(lake, ref, ["raw_sha256"])["raw_sha256"].to_pylist():
            yield relative_path(lake, raw_path(lake, sha256))


def _unneeded_files(lake: Lake, needed: set[str], since: float) -> Iterator[Path]:
    kept_bytes = lake.raw.glob("[0-9a-f][0-9a-f]/*")
    for path in (*lake.tables.rglob("*"), *lake.models.rglob("*"), *lake.steps.rglob("*"), *kept_bytes):
        if (
            not path.is_dir()
            and not path.name.startswith(".")
            and relative_path(lake, path) not in needed
            and _written_at(path) < since
        ):
            yield path


def _remove_snapshot(lake: Lake, snapshot_id: str) -> list[int]:
    """Sizes of the files of a snapshot's folder, which is gone for readers in one step."""
    hidden = lake.snapshots / f".{token_hex(8)}{TEMPORARY}"
    (lake.snapshots / snapshot_id).rename(hidden)
    return _remove(hidden)


def _remove(path: Path) -> list[int]:
    """Sizes of what was removed: a file, or a folder with all files in it; links are none."""
    inside = (inner for inner in path.rglob("*") if inner.is_file() and not inner.is_symlink())
    files = list(inside) if path.is_dir() else [path]
    sizes = []
    with suppress(FileNotFoundError):  # its writer has just given it its name
        sizes = [file.lstat().st_size for file in files]
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return sizes


def _written_at(path: Path) -> float:
    """When the file was last written or marked as used, in seconds since 1970; infinity where it is gone."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
