"""Which files the tables of a snapshot are made of, and the folders of links through which any tool reads them.

`snapshots/<id>/<table>/` (of `ops.runs`: `snapshots/<id>/ops/runs/`) holds a relative link to each file of the table,
under the file's own name, and `current` leads to the snapshot in force: `current/mobility/*.parquet` is that table, for
pandas, polars or a glob. Names are digests of what is in them, so whoever listed them before a switch and opens them
after it finds the same rows or no file, and never a mix of two snapshots. Of a log of events the links are those that
stood when the snapshot was published; only its view goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from shutil import rmtree

import pyarrow.parquet as pq

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.events import volume_folder
from tasks.lake.files import TEMPORARY, FileRef, digest_file, relative_path, sync_folder
from tasks.lake.layout import Lake
from tasks.lake.manifests import Manifest


def files_of(lake: Lake, manifest: Manifest, table: str) -> tuple[FileRef, ...]:
    """The files of a table, by its qualified name; of a log of events those that its view reads now.

    None for a table that came to the contracts after the snapshot. KeyError where no table is called so.
    """
    if table not in EVENT_TABLES:
        return manifest.tables[table]
    written = [
        FileRef(table, path, pq.read_metadata(place).num_rows, place.stat().st_size, digest_file(place))
        for path in _event_paths(lake, manifest, table)
        for place in [lake.locate(path)]
    ]
    return (*manifest.volumes.archives[table], *written)


def table_folder(snapshot: Path, table: str) -> Path:
    """Where the links of a table lie in the folder of a snapshot."""
    return snapshot.joinpath(*table.split("."))


def write_links(lake: Lake, manifest: Manifest, snapshot: Path) -> None:
    """Make every table's folder of links in the folder of a snapshot, synced; none of them may be there yet."""
    folders = [table_folder(snapshot, table) for table in TABLES]
    for folder, table in zip(folders, TABLES, strict=True):
        folder.mkdir(parents=True)
        # An event has one file; only the file without rows, which every volume has, is there under one name twice.
        for name, path in {Path(path).name: path for path in _paths(lake, manifest, table)}.items():
            (folder / name).symlink_to(_target(lake, folder, path))
    for folder in dict.fromkeys([*folders, *(folder.parent for folder in folders)]):
        sync_folder(folder)


def mend_links(lake: Lake, manifest: Manifest) -> None:
    """Make every folder of links of a snapshot anew; the caller holds `publishing_lock`."""
    snapshot = lake.snapshots / manifest.snapshot_id
    hidden = lake.snapshots / f".{token_hex(8)}{TEMPORARY}"  # as deep as the snapshot, for the links are relative
    old = lake.snapshots / f".{token_hex(8)}{TEMPORARY}"
    try:
        write_links(lake, manifest, hidden)
        old.mkdir()
        for folder in sorted(hidden.iterdir()):
            if (snapshot / folder.name).exists():
                (snapshot / folder.name).rename(old / folder.name)
            folder.rename(snapshot / folder.name)
        sync_folder(snapshot)
    finally:
        rmtree(hidden, ignore_errors=True)
        rmtree(old, ignore_errors=True)


def faulty_folders(lake: Lake, manifest: Manifest) -> Iterator[tuple[Path, str]]:
    """The folders of links of a snapshot that do not lead to the files of their table, and what is wrong with each.

    A copying tool may have put the files themselves in the place of the links: that is well.
    """
    for table in TABLES:
        folder = table_folder(lake.snapshots / manifest.snapshot_id, table)
        if not folder.is_dir():
            yield folder, "is missing"
            continue
        refs = manifest.volumes.archives[table] if table in EVENT_TABLES else manifest.tables[table]
        wanted = {Path(ref.path).name: _target(lake, folder, ref.path) for ref in refs}
        there = {path.name: path.readlink() if path.is_symlink() else None for path in folder.iterdir()}
        others = there.keys() - wanted.keys()
        if any(name not in there or there[name] not in (None, target) for name, target in wanted.items()):
            yield folder, f"does not lead to the files of {table}"
        elif others and (table not in EVENT_TABLES or not all((folder / name).exists() for name in others)):
            yield folder, f"leads to other files than those of {table}"


def _target(lake: Lake, folder: Path, path: str) -> Path:
    """Where the link in `folder` to a file of the lake leads, relative to the folder."""
    return Path(*[".."] * len(folder.relative_to(lake.home).parts), path)


def _paths(lake: Lake, manifest: Manifest, table: str) -> list[str]:
    if table not in EVENT_TABLES:
        return [ref.path for ref in manifest.tables[table]]
    return [*(ref.path for ref in manifest.volumes.archives[table]), *_event_paths(lake, manifest, table)]


def _event_paths(lake: Lake, manifest: Manifest, table: str) -> list[str]:
    """The files of the volumes of a log that a snapshot reads as they grow."""
    first = manifest.volumes.first
    folders = (volume_folder(lake, table, number) for number in (first, first + 1))
    return [relative_path(lake, path) for folder in folders for path in sorted(folder.glob("[!.]*.parquet"))]
