"""What is wrong with a lake, and the remedy for each; and the repair of what can be made anew without running anything
again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.current_files import faulty_folders, mend_links
from tasks.lake.events import log_folder, make_volumes, mend_volume, open_volume
from tasks.lake.files import FileRef, digest_file, relative_path, settle, temporary_file, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.locks import hold, publishing_lock
from tasks.lake.manifests import MANIFEST, present_id, read_manifest, read_manifests, snapshot_ids
from tasks.lake.publishing import is_linked, point_link
from tasks.lake.stages import read_stage
from tasks.lake.statements import first_line
from tasks.lake.steps import read_record
from tasks.lake.vacuum import A_DAY, find_temporaries
from tasks.lake.warehouse import WAREHOUSE, build_warehouse, home_found, log_beside

REPAIR = "run `tidemill doctor --repair`"
RUN_AGAIN = "run `tidemill run`, which makes it anew"


@dataclass(frozen=True)
class Problem:
    """Something wrong in a lake: where (a path under the home), what, and what to do about it."""

    place: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place} {self.what}: {self.remedy}"


def check(lake: Lake, *, has_digests: bool = True) -> list[Problem]:
    """All that is wrong with the lake; nothing is changed. With `has_digests` off, files are held against their sizes
    alone.
    """
    problems = [*_check_link(lake), *_check_warehouse(lake), *_check_folders(lake)]
    owners: dict[FileRef, str] = {}  # in the order in which owners matter: the last says what becomes of the file
    for snapshot_id in snapshot_ids(lake):
        try:
            (manifest,) = read_manifests(lake, [snapshot_id])
        except LakeError:
            folder = relative_path(lake, lake.snapshots / snapshot_id)
            problems.append(
                Problem(f"{folder}/{MANIFEST}", "is damaged", f"remove the folder {folder}, then {RUN_AGAIN}")
            )
        else:
            owners |= dict.fromkeys(manifest.files, f"snapshot {snapshot_id}")
            owners |= {ref: "no stage" for files in manifest.unfilled.values() for ref in files}
    for path in sorted(lake.stages.glob("[!.]*.json")):
        try:
            record = read_stage(lake, path.stem)
        except LakeError:
            problems.append(Problem(relative_path(lake, path), "is damaged", f"remove it, then {RUN_AGAIN}"))
        else:
            owners |= dict.fromkeys(record.files if record else (), f"the stage {path.stem}")
    for ref, owner in owners.items():
        problems += _check_file(lake, ref, owner, has_digests=has_digests)
    problems += [*_check_steps(lake), *_check_logs(lake), *_check_left_over(lake)]
    return [*problems, *(_check_raw(lake) if has_digests else ())]


def repair(lake: Lake) -> list[str]:
    """Make the last snapshot's warehouse and links anew and lead readers to it; what was done, a sentence each.

    LakeError where nothing was published, or a file of that snapshot is missing: `check` says which and what to do.
    """
    done = []
    if mend_volume(lake):
        done.append("found the logs' open volume again")
    with hold(publishing_lock(lake)):
        for path in _stale_logs(lake):
            path.unlink()
            done.append(f"removed {relative_path(lake, path)}")
        last = snapshot_ids(lake)[-1:]
        manifest = read_manifest(lake, last[0]) if last else None
        if manifest is None:
            raise LakeError(f"there is no snapshot in {lake.home} to repair: {RUN_AGAIN}")
        make_volumes(lake, manifest.volumes.first)
        for table in manifest.unfilled:
            write_table(lake, table, TABLES[table].empty())
        warehouse = lake.snapshots / manifest.snapshot_id / WAREHOUSE
        with temporary_file(warehouse.parent) as temporary:
            temporary.unlink()  # DuckDB takes no empty file for a new one
            build_warehouse(lake, manifest, temporary)
            settle(temporary, warehouse)
        mend_links(lake, manifest)
        point_link(lake, manifest.snapshot_id)
        done.append(f"built the warehouse and the links of snapshot {manifest.snapshot_id}")
    return done


def _check_link(lake: Lake) -> Iterator[Problem]:
    known = snapshot_ids(lake)
    for path in _stale_logs(lake):
        yield Problem(relative_path(lake, path), "is a log that DuckDB would replay into another file", REPAIR)
    if not known and not any(link.is_symlink() or link.exists() for link in (lake.current, lake.warehouse)):
        return
    misled = {link.name: what for link in (lake.current, lake.warehouse) if (what := _misled(lake, link))}
    for place, what in misled.items():
        yield Problem(place, what, REPAIR)
    if not misled and present_id(lake) != known[-1]:
        with hold(
            publishing_lock(lake)
        ):  # a publisher may be between the two: when it is through, both are looked at again
            present, last = present_id(lake), snapshot_ids(lake)[-1]
        if present != last:
            what = f"leads to {present}, though {last} was made and not put in force"
            yield Problem(lake.current.name, what, f"{RUN_AGAIN}, or {REPAIR}")


def _misled(lake: Lake, link: Path) -> str | None:
    """What is wrong with one of the two links by which readers find the present snapshot; None where nothing is."""
    if not link.is_symlink():
        if not link.exists():
            return "is missing, though there are snapshots"
        what = "folder" if link.is_dir() else "file"
        return f"is a {what} of its own, not the link to a snapshot"
    if link == lake.warehouse and lake.current.is_symlink() and not is_linked(lake):
        return f"leads to {link.readlink()}, not through {lake.current.name}"
    if link == lake.current and not link.exists():
        return f"leads to {link.readlink()}, which is not there"
    return None


def _check_warehouse(lake: Lake) -> Iterator[Problem]:
    present = present_id(lake)
    path = lake.snapshots / str(present) / WAREHOUSE
    if present is None or not path.exists():
        return
    try:
        home = home_found(path)
    except duckdb.Error as error:
        yield Problem(relative_path(lake, path), f"cannot be read ({first_line(error)})", REPAIR)
    else:
        if home != lake.home:
            yield Problem(
                relative_path(lake, path),
                f"looks for its files in {home}",
                f"{REPAIR}, or SET VARIABLE data_root in each session",
            )


def _check_folders(lake: Lake) -> Iterator[Problem]:
    try:
        manifest = read_manifest(lake)
    except LakeError:
        return  # what is wrong with it is told of each snapshot
    for folder, what in faulty_folders(lake, manifest) if manifest else ():
        yield Problem(relative_path(lake, folder), what, REPAIR)


def _check_file(lake: Lake, ref: FileRef, owner: str, *, has_digests: bool) -> Iterator[Problem]:
    try:
        path = lake.locate(ref.path)
    except LakeError as error:
        yield Problem(ref.path, f"is named by {owner}", str(error))
        return
    if not path.exists():
        what = "is missing"
    elif path.stat().st_size != ref.n_bytes:
        what = f"has {path.stat().st_size} bytes, not {ref.n_bytes}"
    elif has_digests and digest_file(path) != ref.sha256:
        what = "was altered"
    else:
        return
    if owner.startswith("the stage"):
        remedy = RUN_AGAIN if what == "is missing" else f"remove it, then {RUN_AGAIN}"
    elif owner == "no stage":
        remedy = REPAIR
    else:
        remedy = "restore it from a copy, or let `tidemill vacuum` remove the snapshot once there are newer ones"
    yield Problem(ref.path, f"{what}, of {ref.table} in {owner}", remedy)


def _check_steps(lake: Lake) -> Iterator[Problem]:
    for path in sorted(lake.steps.glob("*/[!.]*.json")):
        if read_record(path) is None:
            yield Problem(relative_path(lake, path), "is damaged", "remove it, its step is done again")


def _check_logs(lake: Lake) -> Iterator[Problem]:
    try:
        open_volume(lake)
    except LakeError:
        yield Problem("ops/volume", "is damaged", REPAIR)
    for path in sorted(path for table in EVENT_TABLES for path in log_folder(lake, table).glob("*/*.parquet")):
        try:
            pq.read_metadata(path)
        except (pa.ArrowException, OSError):
            yield Problem(
                relative_path(lake, path),
                "is no Parquet",
                "remove it: that event is lost, queries of the log work again",
            )


def _check_left_over(lake: Lake) -> Iterator[Problem]:
    for path in find_temporaries(lake, time.time() - A_DAY.total_seconds()):
        yield Problem(
            relative_path(lake, path), "was left unfinished by a writer that was killed", "run `tidemill vacuum`"
        )


def _check_raw(lake: Lake) -> Iterator[Problem]:
    for path in sorted(lake.raw.glob("[0-9a-f][0-9a-f]/[!.]*")):
        if digest_file(path) != path.name:
            yield Problem(
                relative_path(lake, path), "was altered", "remove it, then run `tidemill run`, which fetches it anew"
            )


def _stale_logs(lake: Lake) -> list[Path]:
    warehouses = (lake.warehouse, *(lake.snapshots / name / WAREHOUSE for name in snapshot_ids(lake)))
    return [path for path in map(log_beside, warehouses) if path.exists()]
