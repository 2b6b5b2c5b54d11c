import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Ended

from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifest
from tidemill import diagnosis

Call = Callable[..., Ended]
SOURCE = "name: mills\nkind: text\nlocation: texts/*.txt\nlicence: CC0-1.0\nproducer: The test\n"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "mills.yaml").write_text(SOURCE)
    return folder


def findings(ended: Ended, area: str) -> list[tuple[str, bool]]:
    return [(one["what"], one["is_well"]) for one in json.loads(ended.out)["findings"] if one["area"] == area]


def test_a_whole_home_is_well_in_every_respect(call: Call, home: Path, sources: Path, free_port: int) -> None:
    ended = call("doctor", "--home", str(home), "--sources", str(sources), "--port", str(free_port), "--json")
    told = {(one["area"], one["is_well"]) for one in json.loads(ended.out)["findings"]}
    assert {(area, True) for area in ("python", "home", "sources", "prefect", "lake")} <= told
    assert findings(ended, "lake") == [("whole", True)]
    assert ended.status == (0 if all(well for _, well in told) else 1)


def test_what_is_wrong_is_told_with_its_remedy_and_exits_with_1(call: Call, home: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(home, tmp_path / "copy", symlinks=True)
    manifest = read_manifest(Lake(copy))
    assert manifest is not None
    broken = manifest.tables["labels"][0].path
    (copy / broken).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        given = ("doctor", "--home", str(copy), "--sources", str(tmp_path / "empty"), "--port", port)
        ended, for_people = call(*given, "--json"), call(*given)
    assert ended.status == for_people.status == 1
    assert findings(ended, "prefect") == [(f"the port {port} is taken by another program", False)]
    assert findings(ended, "sources")[0][1] is False
    assert any(broken in what for what, _ in findings(ended, "lake"))
    assert for_people.out.count("WRONG") == for_people.out.count("→") >= 3


def test_a_copied_lake_is_repaired(call: Call, home: Path, sources: Path, tmp_path: Path, free_port: int) -> None:
    copy = shutil.copytree(home, tmp_path / "copy")  # links followed: a folder and a file in their places
    given = ("doctor", "--home", str(copy), "--sources", str(sources), "--port", str(free_port), "--json")
    before = findings(call(*given), "lake")
    repaired = call(*given, "--repair")
    assert json.loads(repaired.out)["repaired"] != []
    assert findings(repaired, "lake") == [("whole", True)] != before


def test_other_versions_than_the_locked_ones_are_told_with_what_happens(
    call: Call, home: Path, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nsqlalchemy==1.0.0\nno-such-library==2.0\nduckdb==1.5.5\n")
    monkeypatch.setattr(diagnosis, "LOCK_FILE", lock)
    told = findings(call("doctor", "--home", str(home), "--sources", str(sources), "--json"), "libraries")
    assert [well for _, well in told] == [False, False, True]
    assert told[0][0].endswith("not 1.0.0 (with 2.1 the server looks well and never starts a scheduled run)")
    assert told[1:] == [("no-such-library 2.0 is missing", False), ("1 of 3 as locked", True)]


def test_a_prefect_api_that_does_not_answer_is_told(
    call: Call, home: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert findings(call("doctor", "--home", str(home), "--sources", str(sources), "--json"), "prefect") == [
        ("PREFECT_API_URL is http://127.0.0.1:1/api", False)
    ]
