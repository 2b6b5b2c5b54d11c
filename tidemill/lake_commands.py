"""The commands on the lake itself: `snapshots`, `diff`, `vacuum`, `quarantine`, `report`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tasks.lake.snapshots import diff as diff_of
from tasks.lake.snapshots import list_snapshots
from tasks.lake.vacuum import vacuum as remove_unneeded
from tasks.questions.queries import ask
from tasks.running.runs import record_run
from tidemill.options import Home, Json, lake_of
from tidemill.terminal import say, say_json, say_rows

quarantine = typer.Typer(help="Rows that were set aside, and why.", no_args_is_help=True)
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


@quarantine.command("list")
def list_quarantine(
    home: Home = None,
    table: Annotated[str | None, typer.Option(help="Rows meant for this table alone.")] = None,
    rule: Annotated[str | None, typer.Option(help="Rows that break this rule alone.")] = None,
    most: Annotated[int, typer.Option("-k", "--most", min=1, help="How many rows.")] = 20,
    *,
    as_json: Json = False,
) -> None:
    """List rows that were set aside.

    Where each came from, which rule it breaks, what to do. A run tries them again when their file or the rules change.
    """
    lake = lake_of(home)
    wanted = "WHERE coalesce(table_name = $1, true) AND coalesce(rule = $2, true)"
    from_wanted = f"FROM ops.quarantine {wanted}"
    counted = (
        f"SELECT table_name, rule, count(*) AS n_rows {from_wanted} GROUP BY ALL ORDER BY n_rows DESC, table_name, rule"
    )
    order = "ORDER BY table_name, rule, uri, quarantine_id LIMIT $3"
    listed = f"SELECT table_name, rule, uri, message, raw_row {from_wanted} {order}"
    with ask(lake, listed, [table, rule, most]) as answer:
        columns, rows = answer.columns, list(answer.rows)
    if as_json:
        say_rows(columns, rows, "json")
        return
    with ask(lake, counted, [table, rule]) as answer:
        counts = list(answer.rows)
    if not counts:
        say("no row was set aside")
        return
    say_rows(answer.columns, counts)
    say()
    for table_name, broken, uri, message, raw_row in rows:
        say_rows((f"{table_name}: {broken}", uri), [("", message), ("", raw_row)])


def report(home: Home = None) -> None:
    """Write the report on the snapshot in force."""
    from tasks.report.page import build_report  # noqa: PLC0415  # numpy and templates, which no other command here needs

    say(str(build_report(lake_of(home))))
