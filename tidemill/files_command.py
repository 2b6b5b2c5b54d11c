"""The command `files`: which files a table is made of, for whoever reads Parquet without DuckDB."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from expectations.contracts.tables import TABLES
from tasks.lake.current_files import files_of
from tasks.lake.manifests import read_manifests, require_snapshot
from tidemill.options import Home, MisuseError, lake_of
from tidemill.query_commands import AsOf
from tidemill.terminal import Format, say_rows


def files(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A published table: mobility, or ops.runs.")],
    home: Home = None,
    as_of: AsOf = None,
    form: Annotated[Format, typer.Option("--format", help="How the list is written.")] = "table",
) -> None:
    """List the files of a table that are in force.

    With --as-of those of an older snapshot. Other tools find the same files under `current/<table>/` in the home.
    """
    if table not in TABLES:
        near = difflib.get_close_matches(table, TABLES, n=3, cutoff=0.5)
        names = f"did you mean {' or '.join(near)}?" if near else "`tidemill sql 'SHOW ALL TABLES'` lists them"
        raise MisuseError(f"no table is called {table}: {names}")
    lake = lake_of(home)
    (manifest,) = read_manifests(lake, [require_snapshot(lake, as_of)])
    listed = files_of(lake, manifest, table)
    say_rows(("path", "rows", "bytes"), [(str(lake.locate(ref.path)), ref.n_rows, ref.n_bytes) for ref in listed], form)
