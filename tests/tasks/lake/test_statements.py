import duckdb
import pytest

from tasks.lake import statements
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.statements import ROOMS, rows_of, sql_of
from tasks.lake.warehouse import connect

QUERIES = sorted(f"{path.parents[1].name}/{path.stem}" for path in ROOMS.glob("*/sql/*.sql"))


@pytest.fixture
def room(tmp_path, monkeypatch):
    """The folder of the queries of a room called `mill`."""
    monkeypatch.setattr(statements, "ROOMS", tmp_path)
    folder = tmp_path / "mill" / "sql"
    folder.mkdir(parents=True)
    return folder


def test_parts_are_filled_in_once(room):
    (room / "days.sql").write_text("SELECT {columns} FROM {table} WHERE day = '{day}'")
    assert sql_of("mill/days", columns="{table}", table="days") == "SELECT {table} FROM days WHERE day = '{day}'"


def test_rows_come_by_column_name(room):
    (room / "days.sql").write_text("SELECT n, n * $factor AS more FROM range(2) AS days(n)")
    with duckdb.connect() as connection:
        assert rows_of(connection, "mill/days", {"factor": 3}) == [{"n": 0, "more": 0}, {"n": 1, "more": 3}]


def test_a_table_that_is_missing_has_no_rows_and_all_else_is_an_error(room):
    (room / "missing.sql").write_text("SELECT 1 FROM range(1) UNION ALL SELECT 1 FROM nothing")
    (room / "schema.sql").write_text("SELECT 1 FROM no.nothing")
    (room / "function.sql").write_text("SELECT nothing(1)")
    (room / "column.sql").write_text("SELECT nothing FROM range(1)")
    with duckdb.connect() as connection:
        assert rows_of(connection, "mill/missing") == rows_of(connection, "mill/schema") == []
        for query in ("function", "column"):
            with pytest.raises(duckdb.Error, match="nothing"):
                rows_of(connection, f"mill/{query}")


@pytest.mark.parametrize("query", [query for query in QUERIES if not query.startswith(("lake/", "validation/"))])
def test_every_query_reads_tables_and_columns_that_there_are(lake: Lake, query: str):
    publish(lake, [], "run")
    with connect(lake) as warehouse:
        (statement,) = warehouse.extract_statements(sql_of(query))
        warehouse.execute(statement, dict.fromkeys(statement.named_parameters))
