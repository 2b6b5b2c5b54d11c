import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.lake_rows import labels_of, plain_rows, score_of, stage_of

from tasks.lake.check import Problem, check, repair
from tasks.lake.events import volume_folder
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.raw import keep_raw
from tasks.lake.stages import leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, do, record_path


def write_labels(lake: Lake, _payload: object) -> StepOutput:
    return StepOutput((labels_of(lake, a="new"),), 1, 1)


TASK = Step("write_labels", write_labels, list).task(Batch("all", ("a",)))


@pytest.fixture(scope="module")
def kept_copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path]:
    """A lake with raw bytes, a step, a stage and two snapshots, and a copy of it."""
    folder = tmp_path_factory.mktemp("check")
    lake = Lake.open(folder / "home")
    keep_raw(lake, "pages", "a.html", io.BytesIO(b"<p>"))
    publish(lake, [stage_of("documents", labels_of(lake, a="old"))], "run 1")
    publish(lake, [leave_stage(lake, "documents", ("labels",), [do(lake, TASK)])], "run 2")
    return lake, shutil.copytree(lake.home, folder / "copy", symlinks=True)


@pytest.fixture
def full(kept_copy: tuple[Lake, Path]) -> Lake:
    """That lake, as it was made."""
    lake, copy = kept_copy
    shutil.rmtree(lake.home, ignore_errors=True)
    shutil.copytree(copy, lake.home, symlinks=True)
    return lake


def labels_file(lake: Lake, label: str) -> Path:
    return lake.locate(labels_of(lake, a=label).path)


def test_nothing_is_wrong_with_an_empty_lake_nor_with_a_full_one(full: Lake, tmp_path: Path) -> None:
    assert check(Lake.open(tmp_path / "empty")) == []
    assert check(full) == []
    assert check(Lake(tmp_path / "nowhere")) == []


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def relink(lake: Lake, target: str) -> None:
    lake.current.unlink()
    lake.current.symlink_to(target)


def lead_past(lake: Lake) -> None:
    lake.warehouse.unlink()
    lake.warehouse.symlink_to("snapshots/000001/warehouse.duckdb")


def put_folder_for_link(lake: Lake) -> None:
    target = lake.current.resolve()
    lake.current.unlink()
    shutil.copytree(target, lake.current)


def misdirect(lake: Lake) -> None:
    (link,) = (lake.snapshots / "000002" / "labels").iterdir()
    link.unlink()
    link.symlink_to("../../../tables/forecasts")


def put_file_for_link(lake: Lake) -> None:
    target = lake.warehouse.resolve()
    lake.warehouse.unlink()
    shutil.copy(target, lake.warehouse)


REPAIR = "run `tidemill doctor --repair`"
RUN = "run `tidemill run`, which makes it anew"
DAMAGES: dict[str, tuple[Callable[[Lake], object], str, str, str]] = {
    "missing file of a stage": (
        lambda lake: labels_file(lake, "new").unlink(),
        "tables/labels/",
        "is missing, of labels in the stage",
        RUN,
    ),
    "short file of a stage": (
        lambda lake: labels_file(lake, "new").write_bytes(b"PAR1"),
        "tables/labels/",
        "has 4 bytes, not",
        "remove it, then run",
    ),
    "altered file of a stage": (
        lambda lake: alter(labels_file(lake, "new")),
        "tables/labels/",
        "was altered, of labels",
        "remove it, then run",
    ),
    "altered file of a snapshot": (
        lambda lake: alter(labels_file(lake, "old")),
        "tables/labels/",
        "was altered, of labels in snapshot 000001",
        "restore it from a copy",
    ),
    "missing empty file": (
        lambda lake: next((lake.tables / "forecasts").iterdir()).unlink(),
        "tables/forecasts/",
        "is missing, of forecasts in no stage",
        REPAIR,
    ),
    "dangling link": (
        lambda lake: relink(lake, "snapshots/000007"),
        "current",
        "leads to snapshots/000007, which",
        REPAIR,
    ),
    "missing link": (
        lambda lake: lake.warehouse.unlink(),
        "warehouse.duckdb",
        "is missing, though there are snapshots",
        REPAIR,
    ),
    "missing link to the snapshot": (
        lambda lake: lake.current.unlink(),
        "current",
        "is missing, though there are snapshots",
        REPAIR,
    ),
    "file for link": (put_file_for_link, "warehouse.duckdb", "is a file of its own", REPAIR),
    "folder for link": (put_folder_for_link, "current", "is a folder of its own", REPAIR),
    "link of before current": (lead_past, "warehouse.duckdb", "not through current", REPAIR),
    "missing folder of links": (
        lambda lake: shutil.rmtree(lake.snapshots / "000002" / "ops" / "runs"),
        "snapshots/000002/ops/runs",
        "is missing",
        REPAIR,
    ),
    "link to another file": (misdirect, "snapshots/000002/labels", "does not lead to the files of labels", REPAIR),
    "link to no file of the table": (
        lambda lake: (lake.snapshots / "000002" / "labels" / "more.parquet").symlink_to("../../../tables/forecasts"),
        "snapshots/000002/labels",
        "leads to other files than those of labels",
        REPAIR,
    ),
    "link behind": (
        lambda lake: relink(lake, "snapshots/000001"),
        "current",
        "leads to 000001, though 000002 was made",
        REPAIR,
    ),
    "stale log": (
        lambda lake: (lake.home / "warehouse.duckdb.wal").write_bytes(b"x"),
        "warehouse.duckdb.wal",
        "is a log that DuckDB would replay",
        REPAIR,
    ),
    "stale log of a snapshot": (
        lambda lake: (lake.snapshots / "000002" / "warehouse.duckdb.wal").write_bytes(b""),
        "snapshots/000002/warehouse.duckdb.wal",
        "is a log that DuckDB would replay",
        REPAIR,
    ),
    "unreadable warehouse": (
        lambda lake: (lake.snapshots / "000002" / "warehouse.duckdb").write_bytes(b"x" * 9999),
        "snapshots/000002/warehouse.duckdb",
        "cannot be read",
        REPAIR,
    ),
    "damaged manifest": (
        lambda lake: (lake.snapshots / "000001" / "manifest.json").write_bytes(b"{"),
        "snapshots/000001/manifest.json",
        "is damaged",
        "remove the folder snapshots/000001, then run",
    ),
    "damaged stage": (
        lambda lake: (lake.stages / "documents.json").write_bytes(b""),
        "stages/documents.json",
        "is damaged",
        "remove it, then run",
    ),
    "damaged step": (
        lambda lake: record_path(lake, "write_labels", TASK.fingerprint).write_bytes(b"[]"),
        "steps/write_labels/",
        "is damaged",
        "its step is done again",
    ),
    "damaged volume": (lambda lake: (lake.ops / "volume").write_bytes(b"x"), "ops/volume", "is damaged", REPAIR),
    "damaged event": (
        lambda lake: (volume_folder(lake, "ops.runs", 1) / "a.parquet").write_bytes(b"PAR1"),
        "ops/runs/000001/a.parquet",
        "is no Parquet",
        "remove it",
    ),
    "altered raw bytes": (
        lambda lake: alter(next(path for path in lake.raw.glob("??/*"))),
        "raw/",
        "was altered",
        "remove it, then run `tidemill run`, which fetches",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_found_with_its_remedy_and_nothing_else(full: Lake, damage: str) -> None:
    do_damage, place, what, remedy = DAMAGES[damage]
    do_damage(full)
    found = check(full)
    assert len(found) == 1, [str(problem) for problem in found]
    assert found[0].place.startswith(place)
    assert what in found[0].what
    assert remedy in found[0].remedy
    assert "\n" not in str(found[0])


@pytest.mark.parametrize("damage", [name for name, (_, _, _, remedy) in DAMAGES.items() if remedy == REPAIR])
def test_what_repair_is_the_remedy_for_it_mends(full: Lake, damage: str) -> None:
    DAMAGES[damage][0](full)
    assert repair(full) != []
    assert check(full) == []
    assert plain_rows(full.warehouse, "SELECT label FROM labels") == [("new",)]


@pytest.mark.parametrize("damage", ["missing file of a stage", "damaged step"])
def test_what_a_run_is_the_remedy_for_it_mends(full: Lake, damage: str) -> None:
    DAMAGES[damage][0](full)
    publish(full, [leave_stage(full, "documents", ("labels",), [do(full, TASK)])], "run 3")
    assert check(full) == []


def test_without_digests_only_sizes_are_looked_at(full: Lake) -> None:
    alter(labels_file(full, "new"))
    assert check(full, has_digests=False) == []


def test_a_copied_home_is_whole_for_every_client(full: Lake, tmp_path: Path) -> None:
    copy = Lake.open(shutil.copytree(full.home, tmp_path / "it's a copy", symlinks=True))
    shutil.rmtree(full.home)
    assert check(copy) == []
    assert plain_rows(copy.warehouse, "SELECT label FROM labels") == [("new",)]
    assert plain_rows(copy.warehouse, "SELECT count(*) FROM ops.snapshots") == [(2,)]
    publish(copy, [stage_of("hmm", score_of(copy, 1.0))], "run 3")
    assert plain_rows(copy.warehouse, "SELECT label, value FROM labels, scores") == [("new", 1.0)]


def test_a_copy_that_followed_the_link_is_repaired(full: Lake, tmp_path: Path) -> None:
    copy = Lake.open(shutil.copytree(full.home, tmp_path / "copy"))
    assert {problem.place for problem in check(copy)} == {"warehouse.duckdb", "current"}
    assert plain_rows(copy.warehouse, "SELECT label FROM labels") == [("new",)]
    assert repair(copy) == ["built the warehouse and the links of snapshot 000002"]
    assert check(copy) == []
    assert copy.warehouse.is_symlink()
    assert copy.current.is_symlink()
    assert all(path.is_symlink() for path in (copy.current / "labels").iterdir())


def test_a_warehouse_that_looks_for_its_files_elsewhere_is_told(full: Lake, tmp_path: Path) -> None:
    full.snapshots.rename(tmp_path / "snapshots")
    full.snapshots.symlink_to(tmp_path / "snapshots")
    problem = next(one for one in check(full) if "warehouse" in one.place)
    assert problem.what == f"looks for its files in {tmp_path}"
    assert "SET VARIABLE data_root" in problem.remedy


def test_repair_says_so_where_there_is_nothing_to_repair(lake: Lake) -> None:
    with pytest.raises(LakeError, match="there is no snapshot in"):
        repair(lake)


def test_repair_fails_in_one_sentence_where_a_file_is_missing_and_changes_nothing(full: Lake) -> None:
    labels_file(full, "new").unlink()
    before = (full.snapshots / "000002" / "warehouse.duckdb").read_bytes()
    with pytest.raises(LakeError, match=r"cannot build .*: free space, or run `tidemill doctor`"):
        repair(full)
    assert (full.snapshots / "000002" / "warehouse.duckdb").read_bytes() == before
    names = [path.name for path in (full.snapshots / "000002").iterdir() if not path.is_dir()]
    assert sorted(names) == ["manifest.json", "warehouse.duckdb"]


def test_an_altered_manifest_that_leaves_the_home_is_refused(full: Lake) -> None:
    path = full.snapshots / "000002" / "manifest.json"
    value = json.loads(path.read_bytes())
    value["stages"]["documents"]["tables"]["labels"][0]["path"] = "../../secret"
    path.write_text(json.dumps(value))
    with pytest.raises(LakeError, match="a stored path leaves the home"):
        repair(full)
    assert (
        "a stored path leaves the home"
        in next(problem for problem in check(full) if problem.place == "../../secret").remedy
    )


def test_a_problem_is_one_line() -> None:
    assert str(Problem("a", "is gone", "run")) == "a is gone: run"
