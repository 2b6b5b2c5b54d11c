"""What `tidemill serve` keeps going: Prefect's server and a worker, restarted where they die, ended together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.lake.files import write_json
from tidemill.children import ChildError, end_children, start_child
from tidemill.prefect_home import PrefectHome, api_url, await_server, rotate, start_server

ROOT = Path(__file__).resolve().parents[1]
WORK_POOL = "tidemill"
LOOK_EVERY_S = 0.5
CRASH_DEAD_EVERY_S = (
    30.0  # the least heartbeat that Prefect allows; a run that lost its process is told within this time
)
RESTARTS_ALLOWED, WITHIN_S = (
    5,
    600.0,
)  # our choice: what dies more often than every two minutes will not be mended by starting it again


@dataclass
class Kept:
    """A child that is started again where it dies, unless it does so too often."""

    name: str
    log: Path
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def look(self) -> bool:
        """Whether it had died and was started again. ChildError where it died too often."""
        if self.process is None or self.process.poll() is None:
            return False
        now = time.monotonic()
        self.deaths = [death for death in self.deaths if now - death < WITHIN_S] + [now]
        if len(self.deaths) > RESTARTS_ALLOWED:
            raise ChildError(
                f"Prefect's {self.name} died {len(self.deaths)} times within {WITHIN_S / 60:.0f} minutes: "
                f"{self.log} says why, "
                "`tidemill doctor` may help"
            )
        end_children([self.process])
        self.process = self.start()
        return True


@dataclass(frozen=True)
class Service:
    """A server, a work pool, deployments and a worker for one home; all of it on the loopback address, all of it under
    this process.
    """

    home: Path
    sources: Path
    port: int
    prefect: PrefectHome

    @contextmanager
    def running(self) -> Iterator[list[Kept]]:
        """Within, the server answers, everything is deployed and the worker waits for runs; at the end nothing of it is
        left.
        """
        server = Kept(
            "server", self.prefect.server_log, lambda: start_server(self.prefect, self.port, is_embedded=False)
        )
        worker = Kept("worker", self.prefect.worker_log, self._start_worker)
        try:
            server.process = server.start()
            await_server(self.prefect, self.port, server.process)
            _crash_dead_runs()
            _make_work_pool()
            self._deploy()
            worker.process = worker.start()
            write_json(self.prefect.address_file, {"api_url": api_url(self.port), "pid": os.getpid()})
            yield [server, worker]
        finally:
            self.prefect.address_file.unlink(missing_ok=True)
            if worker.process is not None:
                end_children([worker.process])
                if server.process is not None and server.process.poll() is None:
                    _crash_dead_runs()
            if server.process is not None:
                end_children([server.process])

    def environment(self) -> dict[str, str]:
        """The environment of the worker and of its flows."""
        path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
        return self.prefect.environment(
            PREFECT_API_URL=api_url(self.port),
            PREFECT_WORKER_QUERY_SECONDS="2",
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30",
            TIDEMILL_HOME=str(self.home),
            TIDEMILL_SOURCES=str(self.sources),
            PYTHONPATH=path,
        )

    def _deploy(self) -> None:
        deploying = start_child(
            _prefect("--no-prompt", "deploy", "--all"), self.environment(), self.prefect.worker_log, folder=ROOT
        )
        if deploying.wait() != 0:
            raise ChildError(
                f"the flows could not be deployed: {self.prefect.worker_log} says why, `tidemill doctor` may help"
            )

    def _start_worker(self) -> subprocess.Popen[bytes]:
        rotate(self.prefect.worker_log)
        command = _prefect(
            "worker",
            "start",
            "--pool",
            WORK_POOL,
            "--name",
            WORK_POOL,
            "--type",
            "process",
            "--install-policy",
            "never",
        )
        return start_child(command, self.environment(), self.prefect.worker_log, folder=ROOT)


def keep_going(children: list[Kept], say: Callable[[str], None]) -> None:
    """Look after the children until somebody interrupts. ChildError where one dies too often."""
    next_look = time.monotonic() + CRASH_DEAD_EVERY_S
    while True:
        time.sleep(LOOK_EVERY_S)
        for child in children:
            if child.look():
                say(f"Prefect's {child.name} had died and was started again")
                next_look = time.monotonic() + LOOK_EVERY_S
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + CRASH_DEAD_EVERY_S
            for name in _crash_dead_runs():
                say(f"the flow run {name} had died and was marked as crashed")


def _prefect(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def _crash_dead_runs() -> list[str]:
    """Names of the flow runs that were marked as crashed; none where the server cannot say now, because the next look
    will tell.
    """
    import httpx  # noqa: PLC0415  # both are slow to import, and read the settings that `serve` has just made
    from prefect.exceptions import PrefectException  # noqa: PLC0415

    from tasks.running.flow_runs import crash_dead_runs  # noqa: PLC0415

    try:
        return crash_dead_runs(is_local=True)
    except (httpx.HTTPError, PrefectException):
        return []


def _make_work_pool() -> None:
    """The pool from which the worker takes runs: one at a time, because a home has one run at a time."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415

    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=WORK_POOL, type="process", concurrency_limit=1, base_job_template=template)
    with get_client(sync_client=True) as client:
        client.create_work_pool(pool, overwrite=True)
