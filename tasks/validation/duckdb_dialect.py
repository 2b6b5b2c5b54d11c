"""DuckDB as SQLAlchemy and Great Expectations want to see it: a dialect that calls itself PostgreSQL, over a database
in memory.

Great Expectations knows no DuckDB and writes no SQL for it; of the dialects that it knows, PostgreSQL's runs on DuckDB
nearly unchanged. What differs is mended here: `~` is DuckDB's `regexp_matches` (its own `~` matches the whole text),
columns and their types are read from `information_schema`, and results outlive the connection, which Great Expectations
closes before it reads them. See `docs/decisions/0006-validation.md`. Only reading is meant: there are no transactions.
"""

from __future__ import annotations

from typing import Any

import duckdb
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import ConnectArgsType
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import NullPool, Pool
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.operators import custom_op
from sqlalchemy.types import UserDefinedType

SCHEME = "tidemillduckdb"
COLUMNS = """
    SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns
    WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""


def register_dialect() -> None:
    """Let SQLAlchemy know the dialect, by the scheme of its addresses."""
    registry.register(SCHEME, __name__, "DuckDBDialect")


def address_of(database: str) -> str:
    """The address under which SQLAlchemy reaches a named database in memory (`:memory:<name>`) that this process holds
    open.
    """
    return f"{SCHEME}:///{database}"


class MemoryCursor:
    """A cursor on a connection of its own, so that what one statement found is still there after others have run."""

    arraysize = 1
    rowcount = -1

    def __init__(self, database: str) -> None:
        self._connection = duckdb.connect(database)

    @property
    def description(self) -> Any:
        """Names and types of the columns found, as DB-API 2.0 has them."""
        return self._connection.description

    def execute(self, statement: str, parameters: Any = None) -> None:
        """Run one statement with its bound values."""
        self._connection.execute(statement, parameters or None)

    def fetchone(self) -> Any:
        """The next row; None after the last."""
        return self._connection.fetchone()

    def fetchmany(self, size: int = 1) -> list[Any]:
        """The next rows, `size` at most."""
        return self._connection.fetchmany(size)

    def fetchall(self) -> list[Any]:
        """All rows left."""
        return self._connection.fetchall()

    def close(self) -> None:
        """Nothing: the rows are read after SQLAlchemy has closed, and go with the cursor."""


class MemoryConnection:
    """A connection as SQLAlchemy's pool keeps them."""

    def __init__(self, database: str) -> None:
        self._database = database

    def cursor(self) -> MemoryCursor:
        """A new cursor."""
        return MemoryCursor(self._database)

    def commit(self) -> None:
        """Nothing: only reading is meant."""

    def rollback(self) -> None:
        """Nothing: only reading is meant."""

    def close(self) -> None:
        """Nothing: each cursor has a connection to the database, which DuckDB gives back with it."""


class MemoryDriver:
    """What SQLAlchemy asks of a DB-API module."""

    apilevel = "2.0"
    threadsafety = 1
    paramstyle = "numeric_dollar"
    Error = duckdb.Error


class DuckDBType(UserDefinedType[Any]):
    """A column's type, spelt as DuckDB spells it."""

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """The spelling."""
        return self.spelling


class DuckDBCompiler(PGCompiler):
    """PostgreSQL's SQL, but for regular expressions."""

    def visit_custom_op_binary(self, element: BinaryExpression[Any], operator: custom_op[Any], **keywords: Any) -> str:
        """`a ~ b` as `regexp_matches(a, b)`, which finds the pattern anywhere, as PostgreSQL's `~` does."""
        if operator.opstring not in {"~", "!~"}:
            return str(super().visit_custom_op_binary(element, operator, **keywords))  # type: ignore[no-untyped-call]
        found = f"regexp_matches({self.process(element.left, **keywords)}, {self.process(element.right, **keywords)})"
        return found if operator.opstring == "~" else f"NOT {found}"


class DuckDBDialect(PGDialect):
    """The dialect. `name` is PostgreSQL's, because Great Expectations chooses its SQL by that name."""

    name = "postgresql"
    driver = "duckdb"
    default_paramstyle = "numeric_dollar"
    statement_compiler = DuckDBCompiler
    supports_statement_cache = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """The driver."""
        return MemoryDriver

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """The database's name."""
        return [url.database or ":memory:"], {}

    def connect(self, *arguments: Any, **_: Any) -> Any:
        """A connection to the database whose name is the first of `arguments`."""
        return MemoryConnection(arguments[0])

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:  # noqa: ARG003  # SQLAlchemy's signature
        """No pool: a connection kept would keep the database in memory."""
        return NullPool

    def initialize(self, connection: Connection) -> None:  # noqa: ARG002  # SQLAlchemy's signature
        """Nothing to ask of the server: PostgreSQL's catalogues are not there."""
        self.default_schema_name = "main"

    def get_columns(self, connection: Connection, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """Names, types and whether NULL may stand, in order."""
        rows = connection.exec_driver_sql(COLUMNS, (schema or "main", str(table_name))).fetchall()
        return [
            {"name": name, "type": DuckDBType(kind), "nullable": is_nullable, "default": None}
            for name, kind, is_nullable in rows
        ]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """No view has a primary key."""
        return {"constrained_columns": [], "name": None}
