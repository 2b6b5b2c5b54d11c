import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterType
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from tasks.lake.files import write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord
from tasks.running.engine import EngineError, StepProgress, do_all, keep_engine, make_runner, tell_progress
from tasks.running.runs import record_run

ROOT = Path(__file__).resolve().parents[3]


def measure_word(lake: Lake, word: str) -> StepOutput:
    (lake.home / f"{word}.run").write_text(str(flow_run.id))
    if word == "bad":
        raise LakeError("the word bad has no length: take it out of the list")
    if word == "fatal":
        os.kill(os.getpid(), signal.SIGKILL)
    rows = pa.table({"word": [word], "n_chars": [len(word)]})
    (lake.home / f"{word}.pid").write_text(str(os.getpid()))
    return StepOutput((write_table(lake, "lengths", rows),), 1, 1)


MEASURE = Step("measure_word", measure_word, list)


@flow
def measure_words(home: str, words: list[str], engine: str = "local") -> list[StepRecord]:  # noqa: ARG001  # do_all reads it
    return do_all(Lake.open(home), MEASURE, [MEASURE.task(Batch(word, (word,), word)) for word in words])


@flow
def measure_twice(home: str, engine: str = "local") -> None:
    with keep_engine():
        measure_words(home, ["one", "two"], engine)
        measure_words(home, ["three", "four"], engine)


def pids(home: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in home.glob("*.pid")}


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "tables").rglob("*.parquet")}


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_records_come_in_the_order_of_the_tasks_whatever_was_done_before(tmp_path: Path) -> None:
    measure_words(str(tmp_path), ["beta"], "threads")
    with record_run(Lake.open(tmp_path), "measure") as run:
        records = measure_words(str(tmp_path), ["gamma", "beta", "alpha"], "threads")
    assert (run.n_steps_run, run.n_steps_skipped) == (2, 1)
    assert [(record.subject, record.is_reused) for record in records] == [
        ("gamma", False),
        ("beta", True),
        ("alpha", False),
    ]


def test_a_single_due_task_runs_in_the_flow_process(tmp_path: Path) -> None:
    measure_words(str(tmp_path), ["alone"])
    assert pids(tmp_path) == {"alone": os.getpid()}


def test_progress_counts_what_was_reused_what_was_due_and_what_has_ended(tmp_path: Path) -> None:
    heard: list[StepProgress] = []
    measure_words(str(tmp_path), ["one"], "threads")
    with tell_progress(heard.append):
        measure_words(str(tmp_path), ["one", "two", "three"], "threads")
    assert heard == [StepProgress("measure_word", 1, 2, n_ended) for n_ended in (0, 1, 2)]


def test_a_long_step_shows_its_progress_in_the_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.running.engine.SHOW_EVERY_S", 0.0)
    measure_words(str(tmp_path), ["one", "two", "three"], "threads")
    shown = ArtifactFilter(type=ArtifactFilterType(any_=["progress"]))
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(artifact_filter=shown)
    assert [(artifact.description, artifact.data) for artifact in artifacts] == [
        ("measure_word: 3 batches, 0 unchanged", 100.0)
    ]


def test_a_failing_task_raises_its_own_sentence_after_the_others_have_ended(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"^the word bad has no length: take it out of the list$"):
        measure_words(str(tmp_path), ["bad", "good", "better"], "threads")
    assert set(pids(tmp_path)) == {"good", "better"}


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ("ray", "there is no engine called 'ray': give local or dask://HOST:PORT"),
        ("dask://127.0.0.1:1", "no Dask scheduler answers at '127.0.0.1:1': start one"),
        ("dask://nowhere", "no Dask scheduler answers at 'nowhere': start one"),
    ],
)
def test_an_engine_that_is_not_there_is_told_in_a_sentence(engine: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=re.escape(sentence)):
        make_runner(engine)


def test_processes_share_one_pool_over_flows_and_each_task_belongs_to_its_flow(tmp_path: Path) -> None:
    measure_twice(str(tmp_path))
    by_word = pids(tmp_path)
    assert os.getpid() not in by_word.values()
    assert {by_word["three"], by_word["four"]} <= {by_word["one"], by_word["two"]}
    assert not any(psutil.pid_exists(pid) for pid in by_word.values())
    runs = {path.stem: path.read_text() for path in tmp_path.glob("*.run")}
    assert runs["one"] == runs["two"] != runs["three"] == runs["four"]


def test_a_killed_worker_process_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match="a worker process was killed during measure_word, most likely for want of memory"
    ):
        measure_words(str(tmp_path), ["fatal", "good"])


def test_dask_gives_the_same_bytes_as_local_processes(tmp_path: Path, dask_cluster: str) -> None:
    words = ["sea", "tide", "mill"]
    measure_words(str(tmp_path / "local"), words)
    measure_words(str(tmp_path / "dask"), words, dask_cluster)
    assert files(tmp_path / "dask") == files(tmp_path / "local") != {}
    assert set(pids(tmp_path / "dask").values()) != set(pids(tmp_path / "local").values())
    with pytest.raises(LakeError, match=r"^the word bad has no length"):
        measure_words(str(tmp_path / "dask"), ["bad", "good"], dask_cluster)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_flow_leaves_no_worker_process(tmp_path: Path, signal_number: signal.Signals) -> None:
    environment = (
        os.environ | get_current_settings().to_environment_variables(exclude_unset=True) | {"PYTHONPATH": str(ROOT)}
    )
    script = [sys.executable, str(ROOT / "tests" / "support" / "engine_sleepers.py"), str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        stopped = subprocess.Popen(script, env=environment, cwd=ROOT, stdout=log, stderr=log)
        try:
            await_that(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
            workers = [psutil.Process(pid) for pid in pids(tmp_path).values()]
            stopped.send_signal(signal_number)
            assert stopped.wait(timeout=20) != 0
            await_that(lambda: not any(worker.is_running() for worker in workers), limit_s=10)
        finally:
            stopped.kill()
            stopped.wait()


def await_that(is_so: Callable[[], bool], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    folder = ["--local-directory", str(tmp_path)]
    scheduler_file = tmp_path / "scheduler.json"
    python = [sys.executable, "-m"]
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": environment,
        "cwd": tmp_path,
    }
    scheduler = subprocess.Popen(
        [
            *python,
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            scheduler_file,
        ],
        **quiet,
    )
    worker = subprocess.Popen(
        [
            *python,
            "distributed.cli.dask_worker",
            "--scheduler-file",
            scheduler_file,
            "--host",
            "127.0.0.1",
            "--nworkers",
            "1",
            "--nthreads",
            "1",
            "--no-dashboard",
            *folder,
        ],
        **quiet,
    )
    try:
        yield "dask://" + _address(scheduler_file)
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(timeout=20)


def _address(scheduler_file: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if scheduler_file.exists() and (content := scheduler_file.read_text()):
            return str(json.loads(content)["address"]).removeprefix("tcp://")
        time.sleep(0.1)
    raise TimeoutError("the Dask scheduler did not start")
