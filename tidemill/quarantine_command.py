"""The commands on rows set aside: `quarantine list`, `show`, `release`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tasks.lake.layout import Lake
from tasks.lake.vintage_log import VintageLog
from tasks.questions.queries import ask
from tasks.transforms.mobility.gate import RULES, UNREADABLE
from tidemill.options import Home, Json, MisuseError, lake_of
from tidemill.terminal import say, say_json, say_rows, visible

quarantine = typer.Typer(help="Rows that were set aside, and why.", no_args_is_help=True)
COME_BACK = (
    "a row comes back by itself in the next run, once its file, the rule that it breaks, or a correction lets it pass"
)
Name = Annotated[str, typer.Argument(metavar="ID", help="A quarantine_id, as `quarantine list` tells it.")]


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

    Where each came from, which rule it breaks, what to do. A row comes back by itself in the next run, once its file,
    the rule that it breaks, or a correction lets it pass.
    """
    lake = lake_of(home)
    wanted = "WHERE coalesce(table_name = $1, true) AND coalesce(rule = $2, true)"
    from_wanted = f"FROM ops.quarantine {wanted}"
    counted = (
        f"SELECT table_name, rule, count(*) AS n_rows {from_wanted} GROUP BY ALL ORDER BY n_rows DESC, table_name, rule"
    )
    order = "ORDER BY table_name, rule, uri, quarantine_id LIMIT $3"
    listed = f"SELECT quarantine_id, table_name, rule, uri, message, raw_row {from_wanted} {order}"
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
    for quarantine_id, table_name, broken, uri, message, raw_row in rows:
        say_rows((f"{table_name}: {broken}", uri), [(quarantine_id, message), ("", raw_row)])
    say(f"\n{COME_BACK}")


@quarantine.command("show")
def show(name: Name, home: Home = None, *, as_json: Json = False) -> None:
    """Show one row that was set aside, whole."""
    row = _row(lake_of(home), name)
    if as_json:
        say_json(row)
        return
    width = max(map(len, row))
    for column, value in row.items():
        say(f"{column.ljust(width)}  {visible(str(value))}")
    say(f"\n{COME_BACK}")


@quarantine.command("release")
def release(name: Name, home: Home = None) -> None:
    """Let in a fetch that the gate refused: the next run takes these very bytes, whatever the gate says of them."""
    lake = lake_of(home)
    row = _row(lake, name)
    of_row = "source = $1 AND uri = $2 AND vintage = $3 AND verdict = 'refused'"
    refused = f"SELECT raw_sha256, rule FROM ops.vintages WHERE {of_row}"
    with ask(lake, refused, [row["source"], row["uri"], row["vintage"]]) as answer:
        found = [(raw_sha256, set(rules.split(", "))) for raw_sha256, rules in answer.rows]
    if not found:
        raise MisuseError(f"{name} is no fetch that the gate refused, and cannot be let in by hand: {COME_BACK}")
    ((raw_sha256, rules),) = found
    if not rules <= RULES - UNREADABLE:
        raise MisuseError(f"{row['uri']} cannot be read, and nothing could be published from it: mend it upstream")
    VintageLog.read(lake, row["source"]).release(row["uri"], raw_sha256)
    say(f"{row['source']}: {row['uri']} ({row['vintage']}) is let in; the next run takes it")


def _row(lake: Lake, name: str) -> dict[str, Any]:
    """The row of the quarantine called `name`. MisuseError where there is none."""
    with ask(lake, "SELECT * FROM ops.quarantine WHERE quarantine_id = $1", [name]) as answer:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    if not rows:
        raise MisuseError(f"no row called {name} is set aside: `tidemill quarantine list` shows which are")
    return {**rows[0], "raw_row": json.loads(rows[0]["raw_row"])}
