"""Manifests: what a snapshot is made of. One JSON file a snapshot, `snapshots/<id>/manifest.json`, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.events import Volumes
from tasks.lake.files import FileRef, canonical_json
from tasks.lake.layout import Lake, LakeError
from tasks.lake.stages import StageRecord, as_stage_record, file_refs

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """A published state: what every stage left when it was published. `unfilled` holds an empty file for each table of
    no stage.
    """

    snapshot_id: str
    parent_id: str | None
    published_at: datetime
    run_id: str
    stages: Mapping[str, StageRecord]
    unfilled: Mapping[str, tuple[FileRef, ...]]
    volumes: Volumes

    @cached_property
    def tables(self) -> Mapping[str, tuple[FileRef, ...]]:
        """The files of every table that is no log of events, by the table's qualified name; one at least, if without
        rows, and none only for a table that came to the contracts after this snapshot.
        """
        names = (name for name in TABLES if name not in EVENT_TABLES)
        return {name: _files_of(name, self.stages) or self.unfilled.get(name, ()) for name in names}

    @property
    def step_files(self) -> tuple[FileRef, ...]:
        """Every file of the snapshot that steps made and would make anew: of tables, and weights and cards of
        models.
        """
        models = (ref for stage in self.stages.values() for ref in stage.working if ref.path.startswith("models/"))
        return tuple(
            dict.fromkeys(
                ref for refs in (*(_files_of(name, self.stages) for name in self.tables), models) for ref in refs
            )
        )

    @property
    def files(self) -> tuple[FileRef, ...]:
        """Every file that readers of the snapshot need: those of steps, empty ones, and the archives of logs."""
        return (
            *self.step_files,
            *(ref for found in (self.unfilled, self.volumes.archives) for refs in found.values() for ref in refs),
        )

    def as_json(self) -> bytes:
        """The bytes of `manifest.json`; `parse_manifest` reads them."""
        return canonical_json({**asdict(self), "published_at": self.published_at.isoformat()}) + b"\n"


def unfilled_tables(stages: Mapping[str, StageRecord]) -> tuple[str, ...]:
    """The tables of snapshots for which no stage has a file."""
    return tuple(name for name in TABLES if name not in EVENT_TABLES and not _files_of(name, stages))


def parse_manifest(content: bytes) -> Manifest:
    """The manifest that gave these bytes. ValueError, KeyError or TypeError where they are anything else."""
    value: dict[str, Any] = json.loads(content)
    volumes = value.pop("volumes")
    return Manifest(
        published_at=datetime.fromisoformat(value.pop("published_at")),
        stages={name: as_stage_record(stage) for name, stage in value.pop("stages").items()},
        unfilled={table: file_refs(files) for table, files in value.pop("unfilled").items()},
        volumes=Volumes(volumes["first"], {table: file_refs(files) for table, files in volumes["archives"].items()}),
        **value,
    )


def read_manifest(lake: Lake, snapshot_id: str | None = None) -> Manifest | None:
    """The manifest of the snapshot that readers find at present (None where nothing is published yet), or of the one
    named.

    LakeError where that snapshot is not there, or its manifest is damaged.
    """
    if snapshot_id is None and present_id(lake) is None:
        return None
    path = lake.snapshots / require_snapshot(lake, snapshot_id) / MANIFEST
    try:
        return parse_manifest(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LakeError(f"the manifest {path} is damaged: run `tidemill doctor`") from error


def read_manifests(lake: Lake, ids: Sequence[str]) -> list[Manifest]:
    """The manifests of snapshots that are there, in the order given. LakeError where one is not, or is damaged."""
    return [manifest for name in ids if (manifest := read_manifest(lake, name)) is not None]


def require_snapshot(lake: Lake, snapshot_id: str | None = None) -> str:
    """The present snapshot, or the one named, certain to be there. LakeError where it is not; the message says which
    are.
    """
    if snapshot_id is None:
        return _require_present(lake)
    known = snapshot_ids(lake)
    if snapshot_id in known:
        return snapshot_id
    there_are = f"there are {', '.join(known)}" if known else "there is none yet"
    raise LakeError(
        f"no snapshot is called {snapshot_id} in {lake.home} ({there_are}): "
        "name one of those, others were never made or vacuumed"
    )


def _require_present(lake: Lake) -> str:
    """The present snapshot. The link is read before the folder is looked for, and again where publishers have been
    quicker.
    """
    present = present_id(lake)
    while present is not None:
        if (lake.snapshots / present).is_dir():
            return present
        looked_for, present = present, present_id(lake)
        if present == looked_for:
            raise LakeError(f"{lake.current} leads to the snapshot {present}, which is gone: run `tidemill doctor`")
    raise LakeError(f"nothing is published in {lake.home} yet: run `tidemill run` first")


def snapshot_ids(lake: Lake) -> list[str]:
    """Every snapshot that is there, oldest first."""
    try:
        return sorted((folder.name for folder in lake.snapshots.iterdir() if is_snapshot_id(folder.name)), key=int)
    except FileNotFoundError:
        return []


def is_snapshot_id(name: str) -> bool:
    """Whether `name` is a snapshot's: 000001, 000002 and on."""
    return name.isdecimal() and name.isascii() and f"{int(name):06d}" == name


def present_id(lake: Lake) -> str | None:
    """The snapshot to which `current` leads readers; None where nothing is published yet.

    Where a copying tool has put the folder itself in the place of the link, the last snapshot. In a home of before
    `current` it is `warehouse.duckdb` that leads to a snapshot, or was put in the place of its link.
    """
    for link, levels in ((lake.current, 0), (lake.warehouse, 1)):
        try:
            name = link.readlink().parts[-1 - levels]
        except FileNotFoundError:
            continue
        except OSError:
            return max(snapshot_ids(lake), key=int, default=None)
        return name if is_snapshot_id(name) else None
    return None


def _files_of(table: str, stages: Mapping[str, StageRecord]) -> tuple[FileRef, ...]:
    return tuple(dict.fromkeys(ref for stage in stages.values() for ref in stage.tables.get(table, ())))
