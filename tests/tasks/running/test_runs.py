import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.lake.layout import Lake, LakeError
from tasks.running.runs import RunHeldError, RunRefusedError, new_run_id, one_sentence, record_run

ROOT = Path(__file__).resolve().parents[3]
HOLD_FOR_EVER = """
import sys, time
from pathlib import Path
from tasks.lake.layout import Lake
from tasks.running.runs import record_run
with record_run(Lake(Path(sys.argv[1])), "refresh"):
    print("held", flush=True)
    time.sleep(600)
"""


def told(lake: Lake) -> list[dict[str, object]]:
    return sorted(
        (row for path in lake.ops.glob("runs/*/*.parquet") for row in pq.read_table(path).to_pylist()),
        key=lambda row: row["run_id"],
    )


def hold_in_another_process(lake: Lake) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_FOR_EVER, str(lake.home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()


def test_a_run_is_told_once_with_its_steps_and_the_runs_inside_are_parts_of_it(lake: Lake) -> None:
    with record_run(lake, "refresh") as run:
        run.n_steps_run = 3
        with record_run(lake, "publish") as inner:
            assert inner is run
    (row,) = told(lake)
    assert (row["run_id"], row["flow"], row["status"], row["n_steps_run"]) == (run.run_id, "refresh", "completed", 3)
    assert row["message"] is row["snapshot_id"] is None
    assert row["started_at"] <= row["finished_at"]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (LakeError("the disk is full: free space"), "failed", "the disk is full: free space"),
        (RunRefusedError("not today: try tomorrow"), "refused", "not today: try tomorrow"),
        (ZeroDivisionError("division by zero\nand more"), "failed", "unexpected ZeroDivisionError: division by zero"),
        (
            OSError(28, "No space left on device", "/x"),
            "failed",
            "cannot use /x (No space left on device): free space, mend its permissions, or give another --home",
        ),
        (SystemExit(1), "failed", "stopped by hand: what is done stays done, run again to go on"),
        (KeyboardInterrupt(), "failed", "stopped by hand: what is done stays done, run again to go on"),
    ],
)
def test_a_run_that_ends_badly_is_told_and_its_error_goes_through(
    lake: Lake, error: BaseException, status: str, message: str
) -> None:
    with pytest.raises(type(error)), record_run(lake, "refresh"):
        raise error
    assert [(row["status"], row["message"]) for row in told(lake)] == [(status, message)]


def test_what_went_wrong_first_is_heard_though_the_log_cannot_be_written(lake: Lake) -> None:
    def fail_after_losing_the_log() -> None:
        with record_run(lake, "refresh"):
            lake.ops.rename(lake.ops.with_name("moved"))
            lake.ops.write_text("no folder")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_losing_the_log()


@pytest.mark.slow
def test_a_second_run_says_which_process_holds_the_home(lake: Lake) -> None:
    holder = hold_in_another_process(lake)
    try:
        who = rf"process {holder.pid} \(refresh, since [-0-9T:]+ UTC\)"
        sentence = rf"{who} is running on the home .*: wait for its end, or stop it"
        with pytest.raises(RunHeldError, match=sentence), record_run(lake, "maintain"):
            pytest.fail("two runs at once")
    finally:
        end(holder)
    assert [(row["flow"], row["status"]) for row in told(lake)] == [("maintain", "refused")]


@pytest.mark.slow
def test_a_killed_run_leaves_the_home_free_and_is_told_by_the_next(lake: Lake) -> None:
    holder = hold_in_another_process(lake)
    end(holder)
    with record_run(lake, "refresh"):
        pass
    rows = told(lake)
    assert [row["status"] for row in rows] == ["failed", "completed"]
    assert rows[0]["message"] == f"process {holder.pid} was killed: what it had done stays done"


def test_a_damaged_lock_file_is_no_obstacle(lake: Lake) -> None:
    (lake.home / "run.lock").write_text(json.dumps({"pid": 1})[:-3])
    with record_run(lake, "refresh"):
        pass
    assert [row["status"] for row in told(lake)] == ["completed"]


def test_run_ids_sort_by_time_and_differ_within_a_millisecond() -> None:
    made = [new_run_id() for _ in range(200)]
    assert len(set(made)) == len(made)
    assert [name[:19] for name in made] == sorted(name[:19] for name in made)
    assert re.fullmatch(r"\d{8}T\d{9}Z-[0-9a-f]{6}", made[0])


def test_an_error_without_words_still_has_a_sentence() -> None:
    assert one_sentence(ValueError()) == "unexpected ValueError"


def test_what_an_interrupt_breaks_on_its_way_up_is_told_as_the_interrupt() -> None:
    broken = ValueError("run is not set")  # as Prefect 3.8.8 raises where no task run exists yet
    assert one_sentence(broken) == "unexpected ValueError: run is not set"
    broken.__context__ = RuntimeError("on the way")
    broken.__context__.__context__ = KeyboardInterrupt()
    assert one_sentence(broken).startswith("stopped by hand")
