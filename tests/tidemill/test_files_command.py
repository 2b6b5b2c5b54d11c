import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support.command_line import Ended

Call = Callable[..., Ended]


def test_the_files_that_are_listed_hold_the_rows_of_the_table(call: Call, home: Path) -> None:
    for table in ("documents", "ops.snapshots", "forecasts"):
        listed = json.loads(call("files", table, "--home", str(home), "--format", "json").out)
        paths = [Path(one["path"]) for one in listed]
        assert [one["bytes"] for one in listed] == [path.stat().st_size for path in paths]
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
            (n_rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        with duckdb.connect() as connection:
            (n_read,) = connection.execute("SELECT count(*) FROM read_parquet(?)", [list(map(str, paths))]).fetchone()
        assert sum(one["rows"] for one in listed) == n_read == n_rows


def test_files_are_listed_as_csv_and_for_people_with_whole_paths(call: Call, home: Path) -> None:
    (line,) = csv.DictReader(io.StringIO(call("files", "documents", "--home", str(home), "--format", "csv").out))
    assert list(line) == ["path", "rows", "bytes"]
    assert line["path"] in call("files", "documents", "--home", str(home)).out


def test_files_of_an_older_snapshot_are_others(call: Call, home: Path) -> None:
    now, then = (
        call("files", "documents", "--home", str(home), *as_of, "--format", "json").out
        for as_of in ((), ("--as-of", "000001"))
    )
    assert json.loads(now) != json.loads(then)
    assert [one["rows"] for one in json.loads(then)] == [1]


@pytest.mark.parametrize(
    ("table", "told"), [("mobilty", "did you mean mobility"), ("zzz", "`tidemill sql 'SHOW ALL TABLES'` lists them")]
)
def test_a_table_that_is_none_is_misuse_with_a_remedy(call: Call, home: Path, table: str, told: str) -> None:
    ended = call("files", table, "--home", str(home))
    assert (ended.status, ended.out) == (2, "")
    assert f"no table is called {table}: {told}" in ended.err


def test_a_snapshot_that_is_none_is_told(call: Call, home: Path) -> None:
    ended = call("files", "documents", "--home", str(home), "--as-of", "000009")
    assert ended.status == 1
    assert "no snapshot is called 000009" in ended.err
