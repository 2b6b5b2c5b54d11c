import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from support.lake_rows import labels_of, plain_rows, score_of, stage_of, write_rows

from expectations.contracts.documents import LABELS
from expectations.contracts.ops import RUNS
from expectations.contracts.tables import TABLES
from tasks.lake.events import append_event
from tasks.lake.files import write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.warehouse import SQL_TYPES, connect, home_found

NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)
RUN = {
    "run_id": "1",
    "flow": "refresh",
    "started_at": NOON,
    "finished_at": NOON,
    "status": "completed",
    "n_steps_run": 1,
    "n_steps_skipped": 0,
}


def vectors_of(lake: Lake, **vectors: list[float]):
    rows = [
        {"model_id": "m", "lang": "en", "term": term, "n_occurrences": 1, "vector": v} for term, v in vectors.items()
    ]
    return write_rows(lake, "word_vectors", rows)


def test_every_table_and_column_has_its_contract_s_type_and_comment(lake: Lake) -> None:
    publish(lake, [], "run")
    columns = "schema_name, table_name, column_name, data_type, comment"
    query = f"SELECT {columns} FROM duckdb_columns() WHERE database_name = 'warehouse'"
    found = {tuple(row[:3]): tuple(row[3:]) for row in plain_rows(lake.warehouse, query)}
    told = {
        (c.schema, c.name, column.name): (SQL_TYPES[column.type], column.comment)
        for c in TABLES.values()
        for column in c.columns
    }
    assert found == told
    views = dict(plain_rows(lake.warehouse, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert views["labels"] == "One row is a label given with a document. Key: doc_id."
    assert None not in views.values()
    assert len(views) == len(TABLES)


def test_columns_stand_in_the_contract_s_order(lake: Lake) -> None:
    publish(lake, [], "run")
    described = plain_rows(lake.warehouse, "DESCRIBE documents")
    assert [row[0] for row in described] == [column.name for column in TABLES["documents"].columns]


def test_the_file_holds_no_rows(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM duckdb_tables()") == [(0,)]


def test_vectors_of_one_dimension_are_of_fixed_size(lake: Lake) -> None:
    publish(lake, [stage_of("embeddings", vectors_of(lake, sea=[1, 0], tide=[0, 1]))], "run")
    assert plain_rows(lake.warehouse, "SELECT DISTINCT typeof(vector) FROM word_vectors") == [("FLOAT[2]",)]
    assert plain_rows(lake.warehouse, "SELECT array_distance(a.vector, a.vector) FROM word_vectors a LIMIT 1") == [
        (0.0,)
    ]


def test_vectors_of_two_dimensions_are_lists(lake: Lake) -> None:
    other = write_rows(
        lake,
        "word_vectors",
        [{"model_id": "n", "lang": "en", "term": "sea", "n_occurrences": 1, "vector": [1.0, 2.0, 3.0]}],
    )
    publish(lake, [stage_of("embeddings", vectors_of(lake, sea=[1, 0]), other)], "run")
    assert plain_rows(lake.warehouse, "SELECT model_id, vector FROM word_vectors ORDER BY 1") == [
        ("m", [1.0, 0.0]),
        ("n", [1.0, 2.0, 3.0]),
    ]


@pytest.mark.parametrize("n_old", [1, 2])
def test_files_from_before_a_column_came_have_null_there(lake: Lake, n_old: int) -> None:
    new = write_rows(lake, "documents", [document("new", title="A title")])
    olds = []
    for n in range(n_old):
        rows = pa.Table.from_pylist([document(f"old{n}")], schema=TABLES["documents"].arrow_schema()).drop_columns(
            ["title", "kind"]
        )
        olds.append(replace(write_table(lake, "old_documents", rows), table="documents"))
    publish(lake, [stage_of("documents", *olds, new) if n_old == 2 else stage_of("documents", *olds)], "run")
    titles = dict(plain_rows(lake.warehouse, "SELECT uri, title FROM documents"))
    assert titles == {"old0": None, **({"old1": None, "new": "A title"} if n_old == 2 else {})}


def document(uri: str, title: str | None = None) -> dict[str, object]:
    return {
        "doc_id": uri.encode().hex().rjust(16, "0"),
        "source": "s",
        "uri": uri,
        "kind": "text",
        "lang": "en",
        "lang_confidence": 1.0,
        "title": title,
        "text": "Tides rise.",
        "n_chars": 11,
        "n_words": 2,
        "content_sha256": "0" * 64,
        "extractor": "plain",
        "fetched_at": NOON,
    }


def test_times_are_utc(lake: Lake) -> None:
    publish(lake, [stage_of("documents", write_rows(lake, "documents", [document("a")]))], "run")
    with connect(lake) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        assert connection.execute(
            "SELECT fetched_at = TIMESTAMPTZ '2020-05-01 12:00:00+00' FROM documents"
        ).fetchall() == [(True,)]


def test_what_is_logged_after_the_publish_is_seen_at_once(lake: Lake) -> None:
    publish(lake, [], "run")
    with connect(lake) as connection:
        assert connection.execute("SELECT run_id FROM ops.runs").fetchall() == []
        append_event(lake, "ops.runs", "1", pa.Table.from_pylist([RUN], schema=RUNS.arrow_schema()))
        assert connection.execute("SELECT run_id, message FROM ops.runs").fetchall() == [("1", None)]


def test_each_snapshot_answers_for_its_own_time(lake: Lake) -> None:
    for n, label in enumerate(("first", "second", "third"), 1):
        publish(
            lake,
            [stage_of("documents", labels_of(lake, a=label)), stage_of("hmm", score_of(lake, float(n)))],
            f"run {n}",
        )
    for n, label in ((1, "first"), (2, "second"), (3, "third")):
        with connect(lake, as_of=f"{n:06d}") as connection:
            assert connection.execute("SELECT label, value FROM labels, scores").fetchall() == [(label, float(n))]
    with connect(lake) as connection:
        assert connection.execute("SELECT label FROM labels").fetchall() == [("third",)]


def test_the_connection_only_reads(lake: Lake) -> None:
    publish(lake, [], "run")
    with connect(lake) as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("CREATE TABLE mine (a INTEGER)")


def test_before_the_first_publish_the_error_says_what_to_do(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"nothing is published in .* yet: run `tidemill run` first"):
        connect(lake)


def test_a_home_that_is_not_there_is_as_one_without_snapshots(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="nothing is published"):
        connect(Lake(tmp_path / "nowhere"))


def test_an_unknown_snapshot_names_those_that_are_there(lake: Lake) -> None:
    publish(lake, [], "run")
    with pytest.raises(LakeError, match=r"no snapshot is called 000007 in .* \(there are 000001\)"):
        connect(lake, as_of="000007")
    with pytest.raises(LakeError, match="no snapshot is called"):
        connect(lake, as_of="../../etc")


def test_a_warehouse_that_is_none_is_an_error_with_its_remedy(lake: Lake) -> None:
    publish(lake, [], "run")
    (lake.snapshots / "000001" / "warehouse.duckdb").write_bytes(b"x" * 5000)
    with pytest.raises(LakeError, match=r"cannot read .*: run `tidemill doctor`"):
        connect(lake)


HOSTILE = 'it\'s a "home"; DROP TABLE x -- [1] * {home} 100% äöü=1'


@pytest.fixture
def moved(tmp_path: Path) -> Lake:
    """A lake published under one name, then moved, and nothing left where it was."""
    lake = Lake.open(tmp_path / "home")
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    shutil.move(lake.home, tmp_path / HOSTILE)
    return Lake.open(tmp_path / HOSTILE)


def test_a_moved_home_answers_through_connect(moved: Lake) -> None:
    with connect(moved) as connection:
        assert connection.execute("SELECT label FROM labels").fetchall() == [("good",)]
        assert connection.execute("SELECT snapshot_id FROM ops.snapshots").fetchall() == [("000001",)]


def test_a_moved_home_answers_a_plain_client_however_it_is_opened(moved: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(moved.home)
    ways = (moved.warehouse, "warehouse.duckdb", "current/warehouse.duckdb", "snapshots/000001/warehouse.duckdb")
    for way in ways:
        assert plain_rows(Path(way), "SELECT label FROM labels") == [("good",)]
        assert plain_rows(Path(way), "SELECT snapshot_id FROM ops.snapshots") == [("000001",)]


@pytest.mark.parametrize("follows_links", [False, True])
def test_a_copied_home_never_reads_the_original_s_files(lake: Lake, tmp_path: Path, *, follows_links: bool) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    copy = Lake.open(shutil.copytree(lake.home, tmp_path / "copy", symlinks=not follows_links))
    append_event(lake, "ops.runs", "1", pa.Table.from_pylist([RUN], schema=RUNS.arrow_schema()))
    for path in (lake.tables / "labels").iterdir():
        path.write_bytes(b"altered")
    assert plain_rows(copy.warehouse, "SELECT label FROM labels") == [("good",)]
    assert plain_rows(copy.warehouse, "SELECT count(*) FROM ops.runs") == [(0,)]
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.runs") == [(1,)]
    shutil.rmtree(copy.tables)
    with pytest.raises(duckdb.IOException, match="copy"):
        plain_rows(copy.warehouse, "SELECT label FROM labels")


def test_a_warehouse_that_cannot_tell_where_it_lies_says_what_to_do(lake: Lake, tmp_path: Path) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    for opened, attached in ((":memory:", True), (str(tmp_path / "mine.duckdb"), True), (str(lake.warehouse), False)):
        with duckdb.connect(opened, read_only=not attached, config={"temp_directory": str(tmp_path)}) as connection:
            if attached:
                connection.execute(f"ATTACH '{lake.warehouse}' AS tides (READ_ONLY)")
                connection.execute("USE tides")
            with pytest.raises(duckdb.InvalidInputException, match="SET VARIABLE data_root to the folder"):
                connection.execute("SELECT label FROM labels")
            connection.execute("SET VARIABLE data_root = ?", [str(lake.home)])
            assert connection.execute("SELECT label FROM labels").fetchall() == [("good",)]


def test_a_home_of_any_name_is_published_and_read(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / HOSTILE)
    publish(lake, [stage_of("documents", labels_of(lake, a="it's")), stage_of("hmm", score_of(lake, 1.0))], "run")
    publish(lake, [stage_of("documents", labels_of(lake, a="o'clock"), labels_of(lake, b="good"))], "run")
    assert plain_rows(lake.warehouse, "SELECT label FROM labels ORDER BY doc_id") == [("o'clock",), ("good",)]
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.snapshots") == [(2,)]
    assert home_found(lake.warehouse) == lake.home


def test_the_file_can_be_attached_beside_others(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE data_root = ?", [str(lake.home)])
        connection.execute(f"ATTACH '{lake.warehouse}' AS tides (READ_ONLY)")
        assert connection.execute("SELECT label FROM tides.labels").fetchall() == [("good",)]
        assert connection.execute("SELECT count(*) FROM tides.ops.snapshots").fetchall() == [(1,)]
        connection.execute("USE tides")
        assert connection.execute("SELECT * FROM search('good', 3)").fetchall() == []


def test_a_folder_called_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "label=bad" / "doc_id=7")
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    assert plain_rows(lake.warehouse, "SELECT * FROM labels") == [("a".rjust(16, "0"), "good")]


def test_published_tables_have_only_types_that_duckdb_has_a_name_for() -> None:
    assert {column.type for contract in TABLES.values() for column in contract.columns} <= set(SQL_TYPES)
    assert LABELS.column("label").type in SQL_TYPES
