"""The commands on the lake itself: `snapshots`, `diff`, `vacuum`, `report`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tasks.lake.snapshots import diff as diff_of
from tasks.lake.snapshots import list_snapshots
from tasks.lake.vacuum import vacuum as remove_unneeded
from tasks.running.runs import record_run
from tidemill.options import Home, Json, lake_of
from tidemill.terminal import say, say_json, say_rows

Snapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT")]


def snapshots(home: Home = None, *, as_json: Json = False) -> None:
    """List the published states.

    Oldest first; `*` marks the one in force.
    """
    listed = list_snapshots(lake_of(home))
    if as_json:
        say_json([asdict(snapshot) for snapshot in listed])
        return
    rows = [
        ("*" if s.is_present else "", s.snapshot_id, s.published_at, s.n_files, s.n_rows, s.n_bytes, s.run_id)
        for s in listed
    ]
    say_rows(("", "snapshot", "published", "files", "rows", "bytes", "run"), rows)


def diff(a: Snapshot, b: Snapshot, home: Home = None, *, as_json: Json = False) -> None:
    """Say what changed from snapshot A to B."""
    tables = diff_of(lake_of(home), a, b)
    if as_json:
        say_json([asdict(table) for table in tables])
        return
    changed = [t for t in tables if not t.is_same]
    if not changed:
        say(f"{a} and {b} hold the same rows")
        return
    rows = [
        (t.table, t.n_rows_before, t.n_rows_after, t.n_rows_added, t.n_rows_removed, t.n_rows_changed) for t in changed
    ]
    say_rows(("table", f"rows in {a}", f"rows in {b}", "added", "removed", "changed"), rows)


def vacuum(
    keep: Annotated[int, typer.Option(min=1, help="How many of the last snapshots stay.")] = 30,
    home: Home = None,
    *,
    as_json: Json = False,
) -> None:
    """Remove old snapshots and unneeded files."""
    lake = lake_of(home)
    with record_run(lake, "vacuum"):
        removed = remove_unneeded(lake, keep)
    if as_json:
        say_json(asdict(removed))
    else:
        names = f" ({', '.join(removed.snapshots)})" if removed.snapshots else ""
        say(f"removed {len(removed.snapshots)} snapshots{names}, {removed.n_files} files, {removed.n_bytes:,} bytes")


def report(home: Home = None) -> None:
    """Write the report on the snapshot in force."""
    from tasks.report.page import build_report  # noqa: PLC0415  # numpy and templates, which no other command here needs

    say(str(build_report(lake_of(home))))
