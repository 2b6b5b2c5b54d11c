"""`tidemill serve` end to end: the server schedules, the worker runs, all can be read, nothing is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import duckdb
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType

from tidemill.children import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = {path.stem for path in (ROOT / "flows").glob("[!_]*.py")}
SOURCE = "name: mills\nkind: text\nlocation: texts/*.txt\nlicence: CC0-1.0\nproducer: The test\n"
TEXT = "The tide mill at {} grinds its corn twice a day, whenever the sea has filled the pond and the gates are opened."

pytestmark = pytest.mark.slow
Found = TypeVar("Found")


@dataclass(frozen=True)
class Served:
    """A running `tidemill serve`."""

    process: subprocess.Popen[bytes]
    home: Path
    sources: Path
    port: int
    log: Path

    def api(self) -> SyncPrefectClient:
        return SyncPrefectClient(api=f"http://127.0.0.1:{self.port}/api")

    def worker_pid(self) -> int | None:
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "worker start" in " ".join(child.cmdline()):
                    return child.pid
        return None


def await_value(ask: Callable[[], Found | None], what: str, limit_s: float = 120) -> Found:
    """The first value that is not None, False or empty."""
    deadline = time.monotonic() + limit_s
    while not (value := ask()):
        assert time.monotonic() < deadline, f"waited {limit_s} s for {what}"
        time.sleep(0.2)
    return value


def tidemill(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tidemill", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, **more
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    home, sources, log, port = folder / "home", folder / "sources", folder / "serve.log", free_port()
    (sources / "texts").mkdir(parents=True)
    (sources / "mills.yaml").write_text(SOURCE)
    for place in ("Rance", "Woodbridge", "Bromley"):
        (sources / "texts" / f"{place}.txt").write_text(TEXT.format(place))
    command = ["serve", "--home", str(home), "--sources", str(sources), "--port", str(port)]
    # As a shell without job control starts a job in the background: with SIGINT ignored.
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", ignoring, sys.executable, "-m", "tidemill", *command],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        await_value(lambda: "stop with Ctrl-C" in log.read_text() or process.poll() is not None, "serve to begin")
        assert process.poll() is None, log.read_text()
        yield Served(process, home, sources, port, log)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def test_every_flow_is_deployed_with_its_schedule_and_the_ui_answers(served: Served) -> None:
    with served.api() as api:
        deployments = api.read_deployments()
    assert {deployment.name for deployment in deployments} == DEPLOYMENTS
    active = {deployment.name for deployment in deployments for schedule in deployment.schedules if schedule.active}
    assert active == {"refresh", "maintain"}
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/", timeout=10) as page:
        assert b"<html" in page.read()


def test_deploying_again_changes_nothing(served: Served) -> None:
    environment = os.environ | {
        "PREFECT_API_URL": f"http://127.0.0.1:{served.port}/api",
        "PREFECT_HOME": str(served.home / "prefect"),
    }
    with served.api() as api:
        before = {deployment.id: len(deployment.schedules) for deployment in api.read_deployments()}
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        assert {deployment.id: len(deployment.schedules) for deployment in api.read_deployments()} == before
    assert set(before.values()) == {1}


def test_the_cron_of_refresh_makes_scheduled_runs(served: Served) -> None:
    with served.api() as api:
        refresh = api.read_deployment_by_name("refresh/refresh").id

        def scheduled() -> list[FlowRun]:
            runs = api.read_flow_runs(flow_run_filter=in_state(StateType.SCHEDULED), limit=200)
            return [run for run in runs if run.auto_scheduled and run.deployment_id == refresh]

        runs = await_value(scheduled, "the scheduler to make runs")
    assert {run.next_scheduled_start_time.strftime("%H:%M") for run in runs if run.next_scheduled_start_time} == {
        "03:15"
    }


def test_a_run_by_hand_is_completed_by_the_worker_and_can_be_read_everywhere(served: Served) -> None:
    with served.api() as api:
        run = run_refresh(api)
        assert run.state_type == StateType.COMPLETED, served.log.read_text()
        shown = ArtifactFilter(key=ArtifactFilterKey(any_=["snapshot", "validation", "report"]))
        artifacts = {artifact.key: artifact for artifact in api.read_artifacts(artifact_filter=shown)}
    assert set(artifacts) == {"snapshot", "validation", "report"}
    rows = {row["table"]: row["rows"] for row in json.loads(str(artifacts["snapshot"].data))}
    with duckdb.connect(served.home / "warehouse.duckdb", read_only=True) as plain:
        assert plain.sql("SELECT count(*) FROM documents").fetchall() == [(rows["documents"],)] == [(3,)]
        assert plain.sql("SELECT flow, status FROM ops.runs").fetchall() == [("refresh", "completed")]


def test_a_run_from_the_command_line_shows_up_at_the_server(served: Served) -> None:
    (served.sources / "texts" / "Eling.txt").write_text(TEXT.format("Eling"))
    ended = tidemill("run", "--home", str(served.home), "--sources", str(served.sources), "--json")
    assert ended.returncode == 0, ended.stderr
    with served.api() as api:
        completed = api.read_flow_runs(flow_run_filter=in_state(StateType.COMPLETED), limit=200)
    (found,) = [run for run in completed if run.deployment_id is None and run.parent_task_run_id is None]
    assert found.infrastructure_pid is not None


def test_another_serve_is_refused_in_a_sentence(served: Served, tmp_path: Path) -> None:
    same_home = tidemill(
        "serve", "--home", str(served.home), "--sources", str(served.sources), "--port", str(free_port())
    )
    assert same_home.returncode == 1
    assert same_home.stderr == (
        f"tidemill: another `tidemill serve` of this home answers at http://127.0.0.1:{served.port}: "
        "use that one, or stop it first\n"
    )
    same_port = tidemill("serve", "--home", str(tmp_path), "--sources", str(served.sources), "--port", str(served.port))
    assert same_port.returncode == 1
    assert (
        same_port.stderr == f"tidemill: the port {served.port} is taken by another program: give another with --port\n"
    )


def test_a_run_whose_worker_was_killed_with_it_is_crashed_and_the_worker_comes_back(served: Served) -> None:
    worker = psutil.Process(await_value(served.worker_pid, "the worker"))
    with served.api() as api:
        run_id = start_refresh(api)
        pid = await_value(lambda: api.read_flow_run(run_id).infrastructure_pid, "the run's process")
        flow = psutil.Process(int(pid))
        worker.kill()
        flow.kill()
        await_value(lambda: api.read_flow_run(run_id).state_type == StateType.CRASHED, "the run to be told crashed", 60)
    assert await_value(served.worker_pid, "a new worker") != worker.pid
    assert "Prefect's worker had died and was started again" in served.log.read_text()


def test_an_interrupt_stops_everything_and_leaves_no_process(served: Served) -> None:
    family = psutil.Process(served.process.pid).children(recursive=True)
    assert len(family) >= 2
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=60) == 0
    assert [child for child in family if child.is_running()] == []
    assert served.log.read_text().endswith("stopped\n")
    assert "Traceback" not in served.log.read_text()
    assert not (served.home / "prefect" / "serve.json").exists()


def in_state(state: StateType) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[state])))


def start_refresh(api: SyncPrefectClient) -> UUID:
    return api.create_flow_run_from_deployment(api.read_deployment_by_name("refresh/refresh").id).id


def run_refresh(api: SyncPrefectClient) -> FlowRun:
    run_id = start_refresh(api)

    def ended() -> FlowRun | None:
        run = api.read_flow_run(run_id)
        return run if run.state is not None and run.state.is_final() else None

    return await_value(ended, "the worker to run refresh", 240)
