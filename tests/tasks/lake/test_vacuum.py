import io
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.lake_rows import labels_of, plain_rows, score_of, stage_of, write_rows

from tasks.lake.check import check
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake, LakeError
from tasks.lake.manifests import snapshot_ids
from tasks.lake.publishing import point_link, publish
from tasks.lake.raw import keep_raw, raw_path
from tasks.lake.stages import leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord, Task, do, find_record, latest_path, record_path
from tasks.lake.vacuum import Vacuumed, vacuum
from tasks.lake.warehouse import connect

AT_ONCE = timedelta(0)


def write_labels(lake: Lake, label: str) -> StepOutput:
    return StepOutput((labels_of(lake, a=label),), 1, 1)


def task_of(label: str, subject: str = "all") -> Task:
    return Step("write_labels", write_labels, list).task(Batch(subject, (label, subject), label))


def run_once(lake: Lake, label: str) -> StepRecord:
    """A step, its stage, its publish."""
    record = do(lake, task_of(label))
    publish(lake, [leave_stage(lake, "documents", ("labels",), [record])], f"run {label}")
    return record


def path_of(lake: Lake, record: StepRecord) -> Path:
    return lake.locate(record.files[0].path)


def sizes_of_files(lake: Lake) -> list[int]:
    return [path.stat().st_size for path in lake.home.rglob("*") if path.is_file() and not path.is_symlink()]


def test_what_the_last_snapshots_need_stays_and_the_rest_goes(lake: Lake) -> None:
    records = [run_once(lake, label) for label in "abcd"]
    sizes = sizes_of_files(lake)
    removed = vacuum(lake, 2, spare=AT_ONCE)
    left = sizes_of_files(lake)
    assert removed == Vacuumed(("000001", "000002"), len(sizes) - len(left), sum(sizes) - sum(left))
    assert [path_of(lake, record).exists() for record in records] == [False, False, True, True]
    assert [find_record(lake, task_of(label)) is not None for label in "abcd"] == [False, False, True, True]
    with connect(lake, as_of="000003") as connection:
        assert connection.execute("SELECT label FROM labels").fetchall() == [("c",)]
    with pytest.raises(LakeError, match=r"no snapshot is called 000001 .* \(there are 000003, 000004\)"):
        connect(lake, as_of="000001")
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("d",)]
    assert check(lake) == []
    assert vacuum(lake, 2, spare=AT_ONCE) == Vacuumed((), 0, 0)


def test_what_was_written_within_a_day_stays(lake: Lake) -> None:
    records = [run_once(lake, label) for label in "abc"]
    vacuum(lake, 1)
    assert all(path_of(lake, record).exists() for record in records)
    assert snapshot_ids(lake) == ["000003"]


def test_a_stage_s_output_stays_though_it_is_not_published(lake: Lake) -> None:
    run_once(lake, "a")
    record = do(lake, task_of("b"))
    leave_stage(lake, "documents", ("labels",), [record])
    vacuum(lake, 1, spare=AT_ONCE)
    assert find_record(lake, task_of("b")) is not None
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("a",)]


def test_a_task_found_done_just_now_stays_though_no_stage_names_it(lake: Lake) -> None:
    old = run_once(lake, "a")
    run_once(lake, "b")
    for path in lake.home.rglob("*"):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    assert do(lake, task_of("a")).is_reused
    vacuum(lake, 1)
    assert path_of(lake, old).exists()
    assert find_record(lake, task_of("a")) is not None


def test_a_task_that_left_no_files_stays_while_it_is_the_last_of_its_subject(lake: Lake) -> None:
    run_once(lake, "a")

    def look(_lake: Lake, _payload: object) -> StepOutput:
        return StepOutput((), 0, 0)

    for label in "xy":
        do(lake, replace(task_of(label, "looked at"), body=look))
    vacuum(lake, 1, spare=AT_ONCE)
    assert [find_record(lake, task_of(label, "looked at")) is not None for label in "xy"] == [False, True]
    assert latest_path(lake, "write_labels", "looked at").exists()


def test_what_nobody_names_goes_with_its_record(lake: Lake) -> None:
    run_once(lake, "a")
    orphan = do(lake, task_of("z", "batch that is no more"))
    vacuum(lake, 1, spare=AT_ONCE)
    assert not path_of(lake, orphan).exists()
    assert not record_path(lake, "write_labels", orphan.fingerprint).exists()
    assert not latest_path(lake, "write_labels", "batch that is no more").exists()


def test_models_of_kept_snapshots_stay_and_their_empty_folders_do_not(lake: Lake) -> None:
    for n in (1, 2):
        weights = lake.models / f"m{n}" / "digest" / "model.safetensors"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"weights")
        ref = FileRef("model_files", f"models/m{n}/digest/model.safetensors", 0, 7, "0" * 64)
        publish(lake, [stage_of("hmm", score_of(lake, float(n)), working=[ref])], "run")
    vacuum(lake, 1, spare=AT_ONCE)
    assert [path.name for path in lake.models.iterdir()] == ["m2"]
    assert (lake.models / "m2" / "digest" / "model.safetensors").exists()


def test_raw_bytes_of_kept_vintages_stay(lake: Lake) -> None:
    kept, dropped, orphan = (
        keep_raw(lake, "pages", uri, io.BytesIO(uri.encode())) for uri in ("kept", "dropped", "orphan")
    )
    for items in ([kept, dropped], [kept]):
        vintages = [
            {
                "source": item.source,
                "uri": item.uri,
                "vintage": item.vintage,
                "raw_sha256": item.raw_sha256,
                "n_bytes": item.n_bytes,
                "fetched_at": item.fetched_at,
            }
            for item in items
        ]
        publish(lake, [stage_of("documents", write_rows(lake, "ops.vintages", vintages))], "run")
    vacuum(lake, 2, spare=AT_ONCE)
    assert [raw_path(lake, item.raw_sha256).exists() for item in (kept, dropped, orphan)] == [True, True, False]
    vacuum(lake, 1, spare=AT_ONCE)
    assert [raw_path(lake, item.raw_sha256).exists() for item in (kept, dropped, orphan)] == [True, False, False]
    assert (lake.raw / "vintages" / "pages.jsonl").exists()


def test_temporaries_go_after_a_day_and_not_before(lake: Lake) -> None:
    run_once(lake, "a")
    folder = lake.snapshots / ".building.part"
    folder.mkdir()
    (folder / "warehouse.duckdb").write_bytes(b"half")
    files = [lake.tables / "labels" / ".a.part", lake.home / ".link.part", lake.ops / ".b.part"]
    for path in files:
        path.write_bytes(b"half")
    vacuum(lake, 1)
    assert all(path.exists() for path in (folder, *files))
    yesterday = time.time() - 25 * 3600
    for path in (folder, *files):
        os.utime(path, (yesterday, yesterday))
    assert len([problem for problem in check(lake) if "left unfinished" in problem.what]) == 4
    assert vacuum(lake, 1).n_files == 4
    assert not any(path.exists() for path in (folder, *files))
    assert check(lake) == []


def test_the_present_snapshot_stays_though_it_is_not_the_last(lake: Lake) -> None:
    for label in "abc":
        run_once(lake, label)
    point_link(lake, "000001")
    vacuum(lake, 1, spare=AT_ONCE)
    assert snapshot_ids(lake) == ["000001", "000003"]
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [("a",)]


def test_files_of_others_stay(lake: Lake) -> None:
    run_once(lake, "a")
    mine = [
        lake.home / "notes.txt",
        lake.home / "report" / "index.html",
        lake.ops / "published.json",
        lake.home / "run.lock",
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    vacuum(lake, 1, spare=AT_ONCE)
    assert all(path.exists() for path in mine)


def test_an_empty_lake_has_nothing_to_remove(lake: Lake) -> None:
    assert vacuum(lake, 1, spare=AT_ONCE) == Vacuumed((), 0, 0)


def test_keeping_none_and_damaged_records_are_refused_before_anything_goes(lake: Lake) -> None:
    run_once(lake, "a")
    run_once(lake, "b")
    with pytest.raises(LakeError, match="at least one snapshot is kept"):
        vacuum(lake, 0)
    (lake.stages / "documents.json").write_bytes(b"{")
    with pytest.raises(LakeError, match="the record of the stage documents is damaged"):
        vacuum(lake, 1, spare=AT_ONCE)
    assert snapshot_ids(lake) == ["000001", "000002"]
