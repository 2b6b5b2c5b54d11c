"""Prefect for one home: its settings by environment, the server that a run brings along, the one that `serve` keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tidemill.children import ChildError, answers, await_answer, end_children, free_port, start_child

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_S = 180.0  # a fresh database takes 7 s to make on two idle cores; a busy machine gets its time
TELL_REST_S = 5.0  # what Prefect allows its log handler for the same
LOG_BYTES = 5_000_000  # our choice: some hundred runs; then the log starts anew, and one older one is kept

SETTINGS: Mapping[str, str] = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_CLI_COLORS": "false",
    "PREFECT_SHOW_UPDATE_AVAILABLE": "false",
    # Old flow runs and events leave Prefect's own database; `maintain` asks for the same through the API of any other
    # server.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
}
"""What every Prefect process of ours is told, where the user has not said otherwise."""


@dataclass(frozen=True)
class PrefectHome:
    """Where Prefect keeps its database and its logs for one home: `<home>/prefect`."""

    folder: Path

    @classmethod
    def of(cls, home: Path) -> PrefectHome:
        """The one of the home folder `home`."""
        return cls(home.resolve() / "prefect")

    @property
    def run_log(self) -> Path:
        """What a run in this process, and everything that it starts, has to say to nobody in particular."""
        return self.folder / "run.log"

    @property
    def server_log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def worker_log(self) -> Path:
        """What the worker and its flows say."""
        return self.folder / "worker.log"

    @property
    def address_file(self) -> Path:
        """Where `serve` writes under which URL its API answers, for as long as it does."""
        return self.folder / "serve.json"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a Prefect process of this home: the user's own, our settings where he says nothing, and
        `more`.
        """
        return {**SETTINGS, **os.environ, "PREFECT_HOME": str(self.folder), **more}

    def served_url(self) -> str | None:
        """The API of a `serve` that runs on this home now; None where none does."""
        try:
            url = json.loads(self.address_file.read_bytes())["api_url"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(url) if isinstance(url, str) and answers(f"{url}/health") else None


def start_server(home: PrefectHome, port: int, *, is_embedded: bool) -> subprocess.Popen[bytes]:
    """A Prefect server on the loopback address, starting; `is_embedded` leaves out the UI and the services that
    schedule.
    """
    rotate(home.server_log)
    more = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"} if is_embedded else {"PREFECT_UI_ENABLED": "1"}
    environment = home.environment(PREFECT_API_URL=api_url(port), PREFECT__SERVER_FINAL="1", **more)
    application = [
        "--app-dir",
        str(ROOT),
        "--factory",
        "tidemill.prefect_application:create_app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    return start_child(
        [sys.executable, "-m", "uvicorn", *application, "--log-level", "error", "--lifespan", "on"],
        environment,
        home.server_log,
    )


def await_server(home: PrefectHome, port: int, server: subprocess.Popen[bytes]) -> None:
    """Come back when the server answers. ChildError where it does not."""
    await_answer(f"{api_url(port)}/health", server, home.server_log, START_LIMIT_S)


def api_url(port: int) -> str:
    """The API's address at a port of ours."""
    return f"http://127.0.0.1:{port}/api"


class PrefectSession:
    """The API for flows of this process: the user's (`PREFECT_API_URL`), else that of a running `serve`, else a server
    of our own.

    To be entered before anything imports Prefect, which reads its settings then. At its end the server of our own ends.
    """

    def __init__(self, home: PrefectHome) -> None:
        self._home = home
        self._port: int | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Decide which API it will be. ChildError where the user's own does not answer."""
        given = os.environ.get("PREFECT_API_URL")
        if given:
            if not answers(f"{given.rstrip('/')}/health"):
                raise ChildError(
                    f"no Prefect API answers at {given}: start it, or unset PREFECT_API_URL to run without a server"
                )
            return self
        served = self._home.served_url()
        self._port = None if served else free_port()
        os.environ.update(self._home.environment(PREFECT_API_URL=served or api_url(self._port or 0)))
        return self

    def __exit__(self, *_: object) -> None:
        """End the server of our own, once it has heard all that Prefect still has to tell it."""
        if self._server is not None:
            _tell_the_rest()
            end_children([self._server])

    def start(self) -> None:
        """Let the server of our own begin, if it is to be one and has not begun."""
        if self._port is not None and self._server is None:
            self._server = start_server(self._home, self._port, is_embedded=True)

    def wait(self) -> None:
        """Come back when the API answers. ChildError where it does not."""
        if self._port is not None and self._server is not None:
            await_server(self._home, self._port, self._server)


def _tell_the_rest() -> None:
    """Let Prefect's own threads of this process finish: with their server gone they would try again for more than a
    minute at exit.
    """
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker  # noqa: PLC0415  # only where Prefect is in use
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    for service in (EventsWorker, APILogWorker):
        service.drain_all(timeout=TELL_REST_S)


def rotate(log: Path) -> None:
    """Set a log aside that has grown long, in the place of the one set aside before."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
