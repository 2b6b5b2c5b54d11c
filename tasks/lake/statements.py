"""SQL from files, read, filled in and asked; what DuckDB says when it fails.

Only names of our own and quoted strings are ever filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

ROOMS = Path(__file__).parents[1]
NO_TABLE = "Catalog Error: Table with name"

Row = dict[str, Any]


def sql_of(name: str, **parts: str) -> str:
    """The statement called `<room>/<query>`: the file `tasks/<room>/sql/<query>.sql`, each `{part}` filled in once."""
    room, _, query = name.partition("/")
    text = (ROOMS / room / "sql" / f"{query}.sql").read_text(encoding="utf-8")
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), text)


def rows_of(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """What the query called `<room>/<query>` finds: its rows, each by column name.

    None where a table that it reads is not there: the snapshot is older than the table, or what made it was taken out.
    """
    try:
        found = connection.execute(sql_of(name), parameters)
    except duckdb.CatalogException as error:
        if str(error).startswith(NO_TABLE):
            return []
        raise
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def literal(text: str) -> str:
    """`text` as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """What went wrong, without the lines in which DuckDB quotes the query."""
    return str(error).partition("\n")[0]
