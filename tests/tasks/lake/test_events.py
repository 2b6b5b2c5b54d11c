from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from support.lake_rows import labels_of, plain_rows, stage_of

from expectations.contracts.ops import RUNS, VALIDATIONS
from tasks.lake import events
from tasks.lake.check import check
from tasks.lake.events import append_event, close_volume, mend_volume, open_volume, volume_folder
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.vacuum import vacuum
from tasks.lake.warehouse import connect

NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)
RUN_IDS = "SELECT run_id FROM ops.runs ORDER BY run_id"


def append_run(lake: Lake, run_id: str, message: str | None = None) -> None:
    row = {
        "run_id": run_id,
        "flow": "refresh",
        "started_at": NOON,
        "finished_at": NOON + timedelta(hours=1),
        "status": "completed",
        "n_steps_run": 1,
        "n_steps_skipped": 0,
        "message": message,
    }
    append_event(lake, "ops.runs", run_id, pa.Table.from_pylist([row], schema=RUNS.arrow_schema()))


@pytest.fixture(autouse=True)
def _small_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EVENTS_PER_VOLUME", 3)


def test_events_appended_before_the_first_publish_are_read_after_it(lake: Lake) -> None:
    append_run(lake, "1")
    publish(lake, [], "run")
    append_run(lake, "2")
    assert plain_rows(lake.warehouse, RUN_IDS) == [("1",), ("2",)]


def test_an_event_that_stands_already_stays_as_it_is(lake: Lake) -> None:
    publish(lake, [], "run")
    append_run(lake, "1", "first")
    append_run(lake, "1", "second")
    assert plain_rows(lake.warehouse, "SELECT run_id, message FROM ops.runs") == [("1", "first")]


def test_an_event_may_have_any_id_and_many_rows_or_none(lake: Lake) -> None:
    publish(lake, [], "run")
    append_run(lake, "../../it's\0 a run")
    append_event(lake, "ops.runs", "\udc80", RUNS.empty())
    row = {
        "run_id": "1",
        "table_name": "labels",
        "column_name": "",
        "severity": "warning",
        "is_success": True,
        "n_rows": 1,
        "validated_at": NOON,
    }
    rows = [row | {"expectation": f"expectation {n}"} for n in range(3)]
    append_event(lake, "ops.validations", "1", pa.Table.from_pylist(rows, schema=VALIDATIONS.arrow_schema()))
    append_event(lake, "ops.validations", "2", VALIDATIONS.empty())
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.validations") == [(3,)]
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.runs") == [(1,)]


def test_a_table_of_snapshots_takes_no_events(lake: Lake) -> None:
    with pytest.raises(ValueError, match="labels is no log"):
        append_event(lake, "labels", "1", RUNS.empty())


def fill(lake: Lake, first: int, last: int) -> None:
    for n in range(first, last + 1):
        append_run(lake, f"{n:03d}")


def names(first: int, last: int) -> list[tuple[str]]:
    return [(f"{n:03d}",) for n in range(first, last + 1)]


def test_a_volume_is_closed_when_it_has_grown_and_not_before(lake: Lake) -> None:
    manifest = publish(lake, [], "run")
    append_run(lake, "001")
    assert not close_volume(lake, manifest.volumes)
    fill(lake, 2, 5)
    assert close_volume(lake, manifest.volumes)
    assert open_volume(lake) == 2
    fill(lake, 6, 12)
    assert not close_volume(lake, manifest.volumes)  # not before readers look at the volume after
    assert plain_rows(lake.warehouse, RUN_IDS) == names(1, 12)


@pytest.mark.slow
def test_every_reader_finds_each_event_once_while_volumes_are_closed_merged_and_removed(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="0"))], "run")
    n = 0
    with connect(lake) as first:
        for turn in range(1, 5):
            fill(lake, n + 1, n + 5)
            n += 5
            assert plain_rows(lake.warehouse, RUN_IDS) == names(1, n)
            vacuum(lake, 2, spare=timedelta(0))
            assert plain_rows(lake.warehouse, RUN_IDS) == names(1, n)
            fill(lake, n + 1, n + 2)
            n += 2
            assert plain_rows(lake.warehouse, RUN_IDS) == names(1, n)
            publish(lake, [stage_of("documents", labels_of(lake, a=str(turn)))], "run")
            assert plain_rows(lake.warehouse, RUN_IDS) == names(1, n)
            if turn == 1:
                assert first.execute(RUN_IDS).fetchall() == names(1, n)  # an old connection, while its snapshot is kept
            with connect(lake, as_of=f"{turn:06d}") as parent:
                assert parent.execute(RUN_IDS).fetchall() == names(1, n)
    assert sorted(path.name for path in (lake.ops / "runs").iterdir()) == ["000003", "000004", "000005", "000006"]
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.snapshots") == [(5,)]
    assert check(lake) == []


def test_an_event_that_stands_in_the_volume_before_is_not_appended_again(lake: Lake) -> None:
    manifest = publish(lake, [], "run")
    fill(lake, 1, 5)
    assert close_volume(lake, manifest.volumes)
    fill(lake, 1, 5)
    assert plain_rows(lake.warehouse, RUN_IDS) == names(1, 5)


def test_events_from_before_a_column_came_have_null_there(lake: Lake) -> None:
    publish(lake, [], "run")
    append_run(lake, "001")
    for path in volume_folder(lake, "ops.runs", 1).glob("*.parquet"):
        pa.parquet.write_table(pa.parquet.ParquetFile(path).read().drop_columns(["message"]), path)
    for path in volume_folder(lake, "ops.runs", 2).glob("*.parquet"):
        path.unlink()  # as a version without that column left them: none that has it
    publish(lake, [stage_of("documents", labels_of(lake, a="0"))], "run")
    append_run(lake, "002", "well")
    assert plain_rows(lake.warehouse, "SELECT run_id, message FROM ops.runs ORDER BY 1") == [
        ("001", None),
        ("002", "well"),
    ]


@pytest.mark.parametrize("content", [b"", b"seven", b"\xff"])
def test_a_damaged_record_of_the_open_volume_is_told_and_mended(lake: Lake, content: bytes) -> None:
    publish(lake, [], "run")
    append_run(lake, "001")
    (lake.ops / "volume").write_bytes(content)
    with pytest.raises(LakeError, match=r"ops/volume is damaged: run `tidemill doctor`"):
        append_run(lake, "002")
    assert mend_volume(lake)
    assert not mend_volume(lake)
    append_run(lake, "002")
    assert plain_rows(lake.warehouse, RUN_IDS) == names(1, 2)


def test_a_file_that_is_being_written_is_not_read(lake: Lake) -> None:
    publish(lake, [], "run")
    folder: Path = volume_folder(lake, "ops.runs", 1)
    (folder / ".half.part").write_bytes(b"PAR1")
    assert plain_rows(lake.warehouse, RUN_IDS) == []
    (folder / "whole.parquet").write_bytes(b"PAR1")
    with pytest.raises(duckdb.Error):
        plain_rows(lake.warehouse, RUN_IDS)
