import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_a_kill_at_any_write_leaves_the_last_snapshot_and_the_next_run_finishes(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests" / "support" / "lake_killer.py"), str(tmp_path), "5"]
    done = subprocess.run(
        command, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    before_switch = {True: [], False: [["old"]]}
    for kill in kills:
        is_first = kill["first"]
        assert kill["before"] in (before_switch[is_first], [["new"]]), kill
        assert kill["linked"] == kill["before"], kill
        assert kill["after"] == kill["linked_after"] == [["new"]], kill
        assert kill["kept"] == ([] if is_first else [[1.0]]), kill
        assert kill["logged"] == (["000001"] if is_first else ["000001", "000002", "000003"]), kill
        assert kill["problems"] == [], kill
    later = [kill["where"] for kill in kills if not kill["first"] and not kill["where"].startswith("after")]
    publishing = later[later.index("rename") :]
    assert publishing[:5] == [
        "rename",
        "fsync",
        "flock",
        "symlink",
        "replace",
    ]  # claim, lock, switch: each has been tried
    linking = [kill["before"] for kill in kills if kill["where"] == "symlink" and not kill["first"]]
    assert [["old"]] in linking
    assert all(before == [["old"]] for before in linking)
    assert {"chmod", "execute", "fsync", "flock", "mkdir", "rename", "replace", "symlink", "unlink"} == set(later)
