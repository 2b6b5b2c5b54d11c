"""Queries on a snapshot, from people: read-only, nothing else on the machine within reach, errors in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from tasks.lake.layout import Lake
from tasks.lake.warehouse import connect

READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
"""Kinds of statement that only read; SHOW, DESCRIBE, SUMMARIZE and FROM are kinds of SELECT."""
ROWS_AT_ONCE = 10_000
VectorFormat = Literal["text", "binary", "numpy"]
"""The files that `tasks.questions.words` writes word vectors to."""


class QueryError(Exception):
    """A query that cannot be answered: DuckDB's first line, or why it is refused."""


@dataclass(frozen=True)
class Answer:
    """The answer to a query: names of columns, and its rows, which come as they are asked for."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def open_snapshot(lake: Lake, as_of: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads one snapshot (`as_of`, else the present one) and this home's files, and nothing else.

    Its settings cannot be changed any more. LakeError where there is no such snapshot.
    """
    with connect(lake, as_of) as connection:
        folders = [str(folder) for folder in (lake.tables, lake.ops)]
        connection.execute("SET allowed_directories = $folders", {"folders": folders})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


@contextmanager
def ask(lake: Lake, sql: str, parameters: Sequence[Any] = (), *, as_of: str | None = None) -> Iterator[Answer]:
    """The answer to one statement that reads. QueryError where it does anything else, or DuckDB refuses it."""
    with open_snapshot(lake, as_of) as connection:
        try:
            statement = _only_statement(connection, sql)
            cursor = connection.execute(statement, list(parameters))
            columns = tuple(column[0] for column in cursor.description or ())
            yield Answer(columns, _rows(cursor))
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from error


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"{len(statements)} statements given: give one")
    if statements[0].type not in READING:
        kind = statements[0].type.name
        raise QueryError(
            f"a statement of the kind {kind} is refused: snapshots are only read, begin with SELECT or FROM"
        )
    return statements[0]


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows


def _first_line(error: duckdb.Error) -> str:
    """DuckDB's sentence, with the candidates that it names on lines of their own."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines[:3] if line and not line.startswith(("LINE ", "^"))]
    return " ".join(told) or "DuckDB gives no reason"
