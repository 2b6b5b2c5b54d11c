import hashlib
import os
import shutil
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import FrameType

import pytest
from support.lake_rows import labels_of, plain_rows, score_of, stage_of, write_rows

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.check import check
from tasks.lake.files import FileRef, write_bytes
from tasks.lake.layout import Lake, LakeError
from tasks.lake.manifests import present_id, snapshot_ids
from tasks.lake.publishing import _claim, _put_in_force, point_link, publish, read_manifest
from tasks.lake.snapshots import diff


def test_before_the_first_publish_there_is_no_manifest(lake: Lake) -> None:
    assert read_manifest(lake) is None


def test_the_first_publish_has_every_table_and_a_link_that_readers_follow(lake: Lake) -> None:
    manifest = publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run 1")
    assert (manifest.snapshot_id, manifest.parent_id, manifest.run_id) == ("000001", None, "run 1")
    assert set(manifest.tables) == set(TABLES) - set(EVENT_TABLES)
    assert all(files for files in manifest.tables.values())
    assert read_manifest(lake) == manifest
    assert str(lake.current.readlink()) == "snapshots/000001"
    assert str(lake.warehouse.readlink()) == "current/warehouse.duckdb"
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("good",)]
    assert check(lake) == []


def test_a_stage_is_replaced_and_the_others_stay(lake: Lake) -> None:
    first = publish(
        lake, [stage_of("documents", labels_of(lake, a="good")), stage_of("hmm", score_of(lake, 1.0))], "run 1"
    )
    second = publish(lake, [stage_of("hmm", score_of(lake, 2.0))], "run 2")
    assert (second.snapshot_id, second.parent_id) == ("000002", "000001")
    assert second.stages["documents"] == first.stages["documents"]
    assert plain_rows(lake.warehouse, "SELECT label, value FROM labels, scores") == [("good", 2.0)]


def test_a_table_of_two_stages_holds_the_files_of_both(lake: Lake) -> None:
    hmm = stage_of("hmm", score_of(lake, 1.0))
    lstm = stage_of(
        "lstm", write_rows(lake, "scores", [{"model_id": "n", "metric": "mae", "split": "test", "value": 2.0}])
    )
    publish(lake, [hmm, lstm], "run")
    assert plain_rows(lake.warehouse, "SELECT model_id, value FROM scores ORDER BY 1") == [("m", 1.0), ("n", 2.0)]


def test_nothing_new_makes_no_snapshot_however_many_steps_were_skipped(lake: Lake) -> None:
    record = stage_of("documents", labels_of(lake, a="good"))
    first = publish(lake, [record], "run 1")
    assert publish(lake, [replace(record, n_steps_run=0, n_steps_skipped=7)], "run 2") == first
    assert publish(lake, [], "run 3") == first
    assert snapshot_ids(lake) == ["000001"]


def test_each_snapshot_is_logged_once(lake: Lake) -> None:
    record = stage_of("documents", labels_of(lake, a="good"))
    for _ in range(3):
        publish(lake, [record], "run 1")
    publish(lake, [stage_of("documents", labels_of(lake, a="good", b="bad"))], "run 2")
    logged = plain_rows(lake.warehouse, "SELECT snapshot_id, parent_id, run_id, n_rows FROM ops.snapshots ORDER BY 1")
    assert logged == [("000001", None, "run 1", 1), ("000002", "000001", "run 2", 2)]
    (digest,) = plain_rows(lake.warehouse, "SELECT manifest_sha256 FROM ops.snapshots WHERE snapshot_id = '000002'")[0]
    assert digest == hashlib.sha256((lake.snapshots / "000002" / "manifest.json").read_bytes()).hexdigest()


def test_a_snapshot_older_than_a_table_can_be_read_compared_and_published_upon(lake: Lake) -> None:
    manifest = publish(lake, [stage_of("documents", labels_of(lake, a="x"))], "run")
    older = replace(
        manifest, unfilled={name: files for name, files in manifest.unfilled.items() if name != "word_tests"}
    )
    write_bytes(lake.snapshots / "000001" / "manifest.json", older.as_json())
    assert older.tables["word_tests"] == ()
    later = publish(lake, [stage_of("documents", labels_of(lake, a="y"))], "run")
    assert later.tables["word_tests"]
    assert {table.table: table.n_rows_changed for table in diff(lake, "000001", "000002")}["labels"] == 1


def test_a_file_that_is_not_there_stops_the_publish_and_the_last_snapshot_stays(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run 1")
    gone = labels_of(lake, a="bad")
    lake.locate(gone.path).unlink()
    with pytest.raises(LakeError, match=r"labels/.* of labels is not there in full: run again"):
        publish(lake, [stage_of("documents", gone)], "run 2")
    assert snapshot_ids(lake) == ["000001"]
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("good",)]
    assert check(lake) == []


def test_a_file_cut_short_stops_the_publish(lake: Lake) -> None:
    short = labels_of(lake, a="good")
    path = lake.locate(short.path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeError, match="not there in full"):
        publish(lake, [stage_of("documents", short)], "run")


def test_rows_that_the_record_promises_and_the_file_has_not_stop_the_publish(lake: Lake) -> None:
    with pytest.raises(LakeError, match="the files of labels hold 1 rows, 2 were written"):
        publish(lake, [stage_of("documents", replace(labels_of(lake, a="good"), n_rows=2))], "run")


def test_a_file_that_is_no_parquet_stops_the_publish(lake: Lake) -> None:
    ref = labels_of(lake, a="good")
    lake.locate(ref.path).write_bytes(b"x" * ref.n_bytes)
    with pytest.raises(LakeError, match=r"cannot build warehouse\.duckdb"):
        publish(lake, [stage_of("documents", ref)], "run")
    assert snapshot_ids(lake) == []
    assert [path.name for path in lake.snapshots.iterdir()] == []


def test_weights_of_a_model_must_be_there(lake: Lake) -> None:
    weights = FileRef("model_files", "models/m/0/model.safetensors", 0, 3, "0" * 64)
    with pytest.raises(LakeError, match=r"model\.safetensors"):
        publish(lake, [stage_of("hmm", score_of(lake, 1.0), working=[weights])], "run")


def test_a_working_file_may_be_gone_when_another_stage_is_published(lake: Lake) -> None:
    working = labels_of(lake, z="between steps")
    publish(lake, [stage_of("documents", labels_of(lake, a="good"), working=[working])], "run 1")
    lake.locate(working.path).unlink()
    assert publish(lake, [stage_of("hmm", score_of(lake, 1.0))], "run 2").snapshot_id == "000002"


def test_a_snapshot_claimed_and_not_put_in_force_is_by_the_next_publish(lake: Lake) -> None:
    record = stage_of("documents", labels_of(lake, a="new"))
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    claimed = publish(lake, [record], "run 2")
    point_link(lake, "000001")  # as a kill between claim and switch leaves it
    assert [problem.place for problem in check(lake)] == ["current"]
    assert publish(lake, [record], "run 3") == claimed
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("new",)]
    assert check(lake) == []


def test_a_publish_on_top_of_a_claimed_snapshot_keeps_its_stages(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    publish(lake, [stage_of("documents", labels_of(lake, a="new"))], "run 2")
    point_link(lake, "000001")
    publish(lake, [stage_of("hmm", score_of(lake, 1.0))], "run 3")
    assert plain_rows(lake.warehouse, "SELECT label, value FROM labels, scores") == [("new", 1.0)]
    assert plain_rows(lake.warehouse, "SELECT count(*) FROM ops.snapshots") == [(3,)]


def test_a_publisher_that_comes_late_leads_nobody_back(lake: Lake) -> None:
    first = publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    publish(lake, [stage_of("documents", labels_of(lake, a="new"))], "run 2")
    _put_in_force(lake, first)  # claimed before the second, and only now gets the lock
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("new",)]


def test_a_snapshot_is_not_claimed_once_its_parent_is_not_the_last(lake: Lake, tmp_path: Path) -> None:
    first = publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    publish(lake, [stage_of("documents", labels_of(lake, a="new"))], "run 2")
    for snapshot_id in ("000002", "000003"):
        built = tmp_path / snapshot_id
        built.mkdir()
        assert not _claim(lake, built, replace(first, snapshot_id=snapshot_id, parent_id="000001"))
        assert built.exists()
    assert snapshot_ids(lake) == ["000001", "000002"]


def test_a_copy_that_put_the_file_in_the_place_of_the_link_can_be_published_to(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    target = lake.warehouse.resolve()
    lake.warehouse.unlink()
    shutil.copy(target, lake.warehouse)
    publish(lake, [stage_of("documents", labels_of(lake, a="new"))], "run 2")
    assert lake.warehouse.is_symlink()
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("new",)]


def test_a_copy_that_followed_all_links_can_be_published_to(lake: Lake, tmp_path: Path) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    copy = Lake.open(shutil.copytree(lake.home, tmp_path / "copy"))
    publish(copy, [stage_of("documents", labels_of(copy, a="new"))], "run 2")
    assert plain_rows(copy.warehouse, "SELECT label FROM labels") == [("new",)]
    assert check(copy) == []


def test_a_home_of_before_current_is_led_over_and_both_links_always_lead_alike(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    lake.current.unlink()
    lake.warehouse.unlink()
    lake.warehouse.symlink_to("snapshots/000001/warehouse.duckdb")
    assert present_id(lake) == "000001"
    led: list[tuple[str | None, str]] = []

    def look(_frame: FrameType, event: str, called: object) -> None:
        if event == "c_return" and called is os.replace:
            led.append((present_id(lake), lake.warehouse.resolve().parent.name))

    new = stage_of("documents", labels_of(lake, a="new"))
    sys.setprofile(look)
    try:
        publish(lake, [new], "run 2")
    finally:
        sys.setprofile(None)
    steps = [pair for pair, _ in groupby(led)]
    assert steps == [("000001", "000001"), ("000002", "000002")]
    assert str(lake.warehouse.readlink()) == "current/warehouse.duckdb"
    assert check(lake) == []


def test_other_users_may_read_what_is_published(lake: Lake) -> None:
    manifest = publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    folder = lake.snapshots / manifest.snapshot_id
    assert folder.stat().st_mode & 0o777 == 0o755
    files = [*folder.iterdir(), lake.locate(manifest.tables["labels"][0].path)]
    assert [path.name for path in files if not path.stat().st_mode & 0o044] == []


def test_nothing_is_left_beside_the_snapshots(lake: Lake) -> None:
    publish(lake, [stage_of("documents", labels_of(lake, a="good"))], "run")
    tables = {name.partition(".")[0] for name in TABLES}
    names = {path.name for path in (lake.snapshots / "000001").iterdir()}
    assert names == {"manifest.json", "warehouse.duckdb", *tables}
    assert sorted(path.name for path in lake.snapshots.iterdir()) == [".lock", "000001"]
    assert [path.name for path in lake.home.iterdir() if path.name.startswith(".")] == []
