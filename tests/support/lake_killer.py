"""Runs killed for real, one at each write: a script for the tests, which starts it in a process of its own.

It imports everything and then only forks: a child that prepares, a child that runs (a step, its stage, the publish) and
kills itself before one of its writes (or is killed after some milliseconds), a child that looks at what is left, runs
again and looks once more. No thread is started before a fork. Prints one JSON line a kill.
"""

import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from support.lake_rows import labels_of, linked_rows, plain_rows, score_of, stage_of
from tasks.lake.check import check
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish, read_manifest
from tasks.lake.stages import leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, Task, do

WRITES = {("posix", name) for name in ("chmod", "fsync", "mkdir", "rename", "replace", "symlink", "unlink")} | {
    ("fcntl", "flock")
}
EVERY_NTH_STATEMENT = 40  # of the 280 that build a warehouse
# Every so many writes one is tried. Writing a table is the same each time, and before the publish, and at the first
# publish (which writes an empty file for each table), most of it is that.
STRIDE_BEFORE_PUBLISH, STRIDE_OF_FIRST_PUBLISH, STRIDE_OF_LINKS = 9, 20, 20
DEEPEST = 4  # frames from the folders of links, one a table and all alike, down to a write


class Killer:
    """Kills this process right before its n-th write: a call of the operating system, or every so many statements of
    DuckDB.
    """

    def __init__(self, n: int, note: Path) -> None:
        self.n, self.note, self.stride = n, note, STRIDE_BEFORE_PUBLISH
        self.n_statements = self.n_writes = self.n_tried = 0

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and self._is_write(called):
            self.n_writes += 1
            self.n_tried += self.n_writes % (STRIDE_OF_LINKS if is_linking(frame) else self.stride) == 0
            if self.n_tried == self.n:
                sys.setprofile(None)
                self.note.write_text(called.__name__)
                os.kill(os.getpid(), signal.SIGKILL)

    def _is_write(self, called: Any) -> bool:
        module = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
        if called.__name__ == "execute" and "duckdb" in str(module):
            self.n_statements += 1
            return self.n_statements % EVERY_NTH_STATEMENT == 0
        return (module, called.__name__) in WRITES


def is_linking(frame: FrameType | None) -> bool:
    """Whether the write is one of those that make the folders of links."""
    for _ in range(DEEPEST):
        if frame is None or frame.f_code.co_name == "write_links":
            break
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "write_links"


def main(folder: Path, n_timed: int) -> None:
    task_of("any")  # its code version is remembered, so that no child has to look through all libraries
    for is_first in (True, False):
        template = folder / f"template-{is_first}"
        in_child(lambda template=template, is_first=is_first: prepare(template, is_first=is_first))
        for n in itertools.count(1):
            told, is_killed = one_kill(template, folder / "home", is_first=is_first, before_write=n)
            if not is_killed:
                break
            print(json.dumps(told), flush=True)  # noqa: T201  # its output is what the test reads
        for _ in range(n_timed):
            told, _ = one_kill(template, folder / "home", is_first=is_first, after_s=random.uniform(0, 0.2))
            print(json.dumps(told), flush=True)  # noqa: T201  # its output is what the test reads


def prepare(home: Path, *, is_first: bool) -> None:
    lake = Lake.open(home)
    if not is_first:
        publish(lake, [stage_of("hmm", score_of(lake, 1.0))], "run 0")
        run_all(home, "old", None)


def write_labels(lake: Lake, label: str) -> StepOutput:
    return StepOutput((labels_of(lake, a=label),), 1, 1)


def task_of(label: str) -> Task:
    return Step("write_labels", write_labels, list).task(Batch("all", (label,), label))


def run_all(home: Path, label: str, killer: Killer | None, *, is_first: bool = False) -> None:
    """A step, its stage, its publish."""
    lake = Lake.open(home)
    if killer:
        sys.setprofile(killer)
    stage = leave_stage(lake, "documents", ("labels",), [do(lake, task_of(label))])
    if killer:
        killer.stride = STRIDE_OF_FIRST_PUBLISH if is_first else 1
    publish(lake, [stage], f"run {label}")


def one_kill(
    template: Path, home: Path, *, is_first: bool, before_write: int = 0, after_s: float = 0
) -> tuple[dict[str, Any], bool]:
    """What was seen after one kill, and whether there was one."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(template, home, symlinks=True)
    note = home.with_name("killed-at")
    note.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        run(lambda: run_all(home, "new", Killer(before_write, note), is_first=is_first))
    if after_s:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    is_killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    answer = home.with_name("answer")
    in_child(lambda: answer.write_text(json.dumps(look(home, is_first=is_first))))
    where = note.read_text() if note.exists() else f"after {after_s:.3f} s"
    return {"first": is_first, "where": where, **json.loads(answer.read_text())}, is_killed


def look(home: Path, *, is_first: bool) -> dict[str, Any]:
    """What readers find after the kill, and what the next publish makes of it."""
    lake = Lake(home)
    manifest = read_manifest(lake)
    before = plain_rows(lake.warehouse, "SELECT label FROM labels") if manifest else []
    linked = [[row["label"]] for row in linked_rows(lake, "labels")] if manifest else []
    run_all(home, "new", None)
    after = plain_rows(lake.warehouse, "SELECT label FROM labels")
    kept = [] if is_first else plain_rows(lake.warehouse, "SELECT value FROM scores")
    logged = plain_rows(lake.warehouse, "SELECT snapshot_id FROM ops.snapshots ORDER BY 1")
    return {
        "before": before,
        "linked": linked,
        "after": after,
        "linked_after": [[row["label"]] for row in linked_rows(lake, "labels")],
        "kept": kept,
        "logged": [row[0] for row in logged],
        "problems": [str(problem) for problem in check(lake)],
    }


def in_child(work: Callable[[], object]) -> None:
    """Do `work` in a child of its own; SystemExit where it fails."""
    child = os.fork()
    if child == 0:
        run(work)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit(1)


def run(work: Callable[[], object]) -> None:
    """Do `work` and end this process."""
    try:
        work()
    except BaseException:  # noqa: BLE001  # a child must not go on with its parent's work
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
