"""SQL files read and filled in, and what DuckDB says when it fails. Only names of our own and quoted strings are ever filled in."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "sql"


def sql_of(name: str, **parts: str) -> str:
    """The statement of `tasks/sql/<name>.sql`, each `{part}` in it filled in once."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), text)


def literal(text: str) -> str:
    """`text` as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """What went wrong, without the lines in which DuckDB quotes the query."""
    return str(error).partition("\n")[0]
