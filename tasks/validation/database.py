"""The database in which a table is validated: in memory, its views the Parquet files of the table and of what is asked
beside it.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from expectations.table_contract import TableContract
from tasks.lake.files import TEMPORARY, FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.statements import literal, sql_of

MEMORY_LIMIT = (
    "500MB"  # of DuckDB, which spills beyond: with Great Expectations itself ten million rows stay under 1 GiB
)
BATCH, BEFORE = "batch", "before"
"""The views of the table itself, and of the table as last published; of a source's rows with its name behind."""


@contextmanager
def opened_database(folder: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database in memory and its name, gone at the end; what does not fit into its memory spills into `folder`."""
    database = f":memory:{uuid.uuid4().hex}"
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=TEMPORARY) as spill,
        duckdb.connect(database) as connection,
    ):
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [spill])
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET TimeZone = 'UTC'")  # in which moments are told, wherever the machine stands
        # Parquet's statistics leave NaN out, and DuckDB 1.5 trusts them: a column of 0.5 and NaN would be told to lie
        # below 1.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        yield connection, database


@contextmanager
def opened_tables(
    lake: Lake,
    contract: TableContract,
    files: Sequence[FileRef],
    others: Mapping[str, Sequence[FileRef]],
    *,
    before: Sequence[FileRef] = (),
    sources: Sequence[str] = (),
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database with the view `batch` of the table's files, `before` of those last published, each of them for every
    one of `sources` too, and `others` under their own names. It reads files of the lake's tables and nothing else.
    """
    with opened_database(lake.ops) as (connection, database):
        connection.execute("CREATE SCHEMA ops")
        for name, refs in others.items():
            _create_view(lake, connection, name, refs or (write_table(lake, name, []),))
        for name, refs in ((BATCH, files), (BEFORE, before)):
            if refs:
                _create_view(lake, connection, name, refs)
            else:
                connection.register("no_rows", contract.empty())
                connection.execute(f"CREATE TABLE {quoted(name)} AS FROM no_rows")
                connection.unregister("no_rows")
        for source in sources:
            for name in (BATCH, BEFORE):
                connection.execute(_view_of_source(contract, name, source))
        connection.execute("SET allowed_directories = $folders", {"folders": [str(lake.tables)]})
        connection.execute("SET enable_external_access = false")
        yield connection, database


def view_of(view: str, source: str) -> str:
    """The name of a view, or of the same for a source's rows alone; quoted, as SQL has it."""
    return quoted(f"{view}_of_{source}" if source else view)


def quoted(name: str) -> str:
    """A name as SQL has it; of a qualified one each part."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def _create_view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, refs: Sequence[FileRef]) -> None:
    paths = ", ".join(literal(str(lake.locate(ref.path))) for ref in refs)
    connection.execute(f"CREATE VIEW {quoted(name)} AS FROM read_parquet([{paths}])")


def _view_of_source(contract: TableContract, view: str, source: str) -> str:
    """The statement that makes a view of a source's rows: told by name, else by vintage, else by document."""
    names = {column.name for column in contract.columns}
    by = next((by for by in ("source", "vintage") if by in names), "document")
    column = next((held.column for held in contract.references if held.table == "documents"), "")
    parts = {
        "view": view_of(view, source),
        "rows": view_of(view, ""),
        "source": literal(source),
        "column": quoted(column),
    }
    return sql_of(f"validation/rows_by_{by}", **parts)
