import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lake_rows import labels_of, linked_rows, plain_rows, score_of, stage_of

from expectations.contracts.ops import RUNS
from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.current_files import faulty_folders, files_of, mend_links, table_folder
from tasks.lake.events import append_event
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifest
from tasks.lake.publishing import point_link, publish
from tasks.lake.vacuum import vacuum

AT_ONCE = timedelta(seconds=-5)


@pytest.fixture
def twice(lake: Lake) -> Lake:
    """A lake published twice: a table replaced, a table kept, and the log of both."""
    publish(lake, [stage_of("documents", labels_of(lake, a="old")), stage_of("hmm", score_of(lake, 1.0))], "run 1")
    publish(lake, [stage_of("documents", labels_of(lake, a="new"), labels_of(lake, b="more"))], "run 2")
    return lake


def labels_in(lake: Lake) -> list[str]:
    return sorted(row["label"] for row in linked_rows(lake, "labels"))


def test_a_pattern_reads_the_rows_in_force_and_no_older_ones(twice: Lake) -> None:
    assert labels_in(twice) == ["more", "new"]
    assert len(list((twice.tables / "labels").iterdir())) == 3
    assert [row["value"] for row in linked_rows(twice, "scores")] == [1.0]
    assert linked_rows(twice, "forecasts") == []


@pytest.mark.parametrize("table", [name for name in TABLES if name not in EVENT_TABLES])
def test_every_table_s_links_are_its_view_s_rows(twice: Lake, table: str) -> None:
    assert plain_rows(twice.warehouse, f"SELECT count(*) FROM {table}") == [(len(linked_rows(twice, table)),)]


def test_other_tools_read_the_links(twice: Lake) -> None:
    pattern = str(twice.current / "labels" / "*.parquet")
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT label FROM '{pattern}' ORDER BY 1").fetchall() == [("more",), ("new",)]
    assert sorted(pd.read_parquet(twice.current / "labels")["label"]) == ["more", "new"]


def test_a_log_s_links_are_the_events_of_before_the_publish(lake: Lake) -> None:
    publish(lake, [], "run 1")
    publish(lake, [stage_of("hmm", score_of(lake, 1.0))], "run 2")
    assert [row["snapshot_id"] for row in linked_rows(lake, "ops.snapshots")] == ["000001"]
    assert len(plain_rows(lake.warehouse, "FROM ops.snapshots")) == 2


def test_an_older_snapshot_keeps_its_own_links(twice: Lake) -> None:
    point_link(twice, "000001")
    assert labels_in(twice) == ["old"]


def test_whoever_listed_before_a_switch_finds_the_same_rows_or_no_file(twice: Lake) -> None:
    listed, scores = (list((twice.current / table).glob("*.parquet")) for table in ("labels", "scores"))
    assert len(listed) == 2
    publish(twice, [stage_of("documents", labels_of(twice, a="later"))], "run 3")
    assert not any(path.exists() for path in listed)
    assert [pq.ParquetFile(path).read()["value"].to_pylist() for path in scores] == [[1.0]]


def test_links_survive_vacuum_move_and_copy(twice: Lake, tmp_path: Path) -> None:
    vacuum(twice, 1, spare=AT_ONCE)
    assert labels_in(twice) == ["more", "new"]
    copy = Lake(Path(shutil.copytree(twice.home, tmp_path / "copy", symlinks=True)))
    shutil.move(twice.home, tmp_path / "moved")
    assert labels_in(copy) == labels_in(Lake(tmp_path / "moved")) == ["more", "new"]
    links = [path for path in copy.home.rglob("*") if path.is_symlink()]
    assert links
    assert all(path.resolve().is_relative_to(copy.home.resolve()) for path in links)
    assert not any(path.readlink().is_absolute() for path in links)


def test_the_files_of_a_log_are_those_that_its_view_reads(twice: Lake) -> None:
    row = {"run_id": "1", "flow": "refresh", "status": "completed", "n_steps_run": 1, "n_steps_skipped": 0}
    times = dict.fromkeys(("started_at", "finished_at"), pa.scalar(0, pa.timestamp("us", "UTC")).as_py())
    append_event(twice, "ops.runs", "1", pa.Table.from_pylist([row | times], schema=RUNS.arrow_schema()))
    manifest = read_manifest(twice)
    for table, n_rows in (("ops.runs", 1), ("ops.snapshots", 2)):
        files = files_of(twice, manifest, table)
        assert sum(ref.n_rows for ref in files) == n_rows
        assert read_table(twice, files).num_rows == n_rows
    assert files_of(twice, manifest, "labels") == manifest.tables["labels"]


def test_mending_puts_links_in_the_place_of_whatever_stands_there(twice: Lake) -> None:
    manifest = read_manifest(twice)
    shutil.rmtree(table_folder(twice.current, "ops.ledger"))
    (link,) = (twice.current / "scores").iterdir()
    link.unlink()
    (twice.current / "labels" / "strange.parquet").write_bytes(b"")
    places = [(folder.name, what) for folder, what in faulty_folders(twice, manifest)]
    assert sorted(places) == [
        ("labels", "leads to other files than those of labels"),
        ("ledger", "is missing"),
        ("scores", "does not lead to the files of scores"),
    ]
    mend_links(twice, manifest)
    assert list(faulty_folders(twice, manifest)) == []
    assert labels_in(twice) == ["more", "new"]
    assert [path.name for path in twice.snapshots.glob(".*.part")] == []
