import os
from pathlib import Path

import pytest

from tasks.lake.layout import Lake, LakeError


def test_opening_makes_the_folders_and_opening_again_changes_nothing(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "new" / "home")
    made = sorted(path.name for path in lake.home.iterdir())
    assert made == ["models", "ops", "raw", "snapshots", "stages", "steps", "tables"]
    assert Lake.open(str(lake.home)) == lake
    assert sorted(path.name for path in lake.home.iterdir()) == made


def test_a_file_in_the_place_of_the_home_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(
        LakeError, match=r"cannot write to the home .*: give a writable folder with --home or TIDEMILL_HOME"
    ):
        Lake.open(tmp_path / "home")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_home_that_may_not_be_written_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    with pytest.raises(LakeError, match="give a writable folder"):
        Lake.open(tmp_path / "home")


@pytest.mark.parametrize("name", ["back\\slash", "what?", os.fsdecode(b"caf\xe9")])
def test_a_home_that_duckdb_cannot_read_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(LakeError, match="give a --home without"):
        Lake.open(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_stored_path_is_found_under_the_home(lake: Lake) -> None:
    assert lake.locate("tables/labels/a.parquet") == lake.tables / "labels" / "a.parquet"


@pytest.mark.parametrize("stored", ["../secret", "tables/../../secret", "/etc/passwd"])
def test_a_stored_path_that_leaves_the_home_is_refused(lake: Lake, stored: str) -> None:
    with pytest.raises(LakeError, match="a stored path leaves the home"):
        lake.locate(stored)


def test_a_folder_of_the_home_may_lie_on_another_disk(lake: Lake, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lake.tables.rmdir()
    lake.tables.symlink_to(elsewhere)
    assert lake.locate("tables/a.parquet") == lake.tables / "a.parquet"
