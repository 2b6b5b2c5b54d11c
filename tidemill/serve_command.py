"""The command `serve`: Prefect for a home, until somebody stops it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake
from tasks.running.places import home_folder, sources_folder
from tidemill.children import ChildError, is_free
from tidemill.interrupts import stop_on
from tidemill.options import Home, Sources
from tidemill.prefect_home import PrefectHome, rotate
from tidemill.supervisor import Service, keep_going
from tidemill.terminal import divert, say, warn

PORT = 4200  # Prefect's own


def serve(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the UI and the API answer, on this machine only.")
    ] = PORT,
    home: Home = None,
    sources: Sources = None,
) -> None:
    """Keep schedules and the UI going until Ctrl-C.

    Prefect's server on this machine's loopback address, every flow deployed, and a worker that runs them for the home.
    """
    stop_on(signal.SIGTERM, signal.SIGHUP)
    lake = Lake.open(home_folder(home))
    folder = Path(sources_folder(sources)).resolve()
    n_sources = len(load_sources(folder))
    prefect = PrefectHome.of(lake.home)
    service = Service(lake.home, folder, port, prefect)
    with _only_one(prefect):
        if not is_free(port):
            raise ChildError(f"the port {port} is taken by another program: give another with --port")
        rotate(prefect.run_log)
        divert(prefect.run_log)
        os.environ.update(service.environment())
        say(f"starting Prefect for {lake.home} …")
        try:
            with service.running() as children:
                say(f"the UI:    http://127.0.0.1:{port}")
                say(f"the home:  {lake.home}")
                say(f"sources:   {n_sources} in {folder}")
                say(f"the logs:  {prefect.folder}")
                say("stop with Ctrl-C")
                keep_going(children, warn)
        except KeyboardInterrupt:
            say("stopped")


@contextmanager
def _only_one(prefect: PrefectHome) -> Iterator[None]:
    """The only `serve` of the home. ChildError where there is another."""
    prefect.folder.mkdir(parents=True, exist_ok=True)
    with (prefect.folder / "serve.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = prefect.served_url()
            told = f"answers at {where.removesuffix('/api')}" if where else "is starting or stopping"
            raise ChildError(f"another `tidemill serve` of this home {told}: use that one, or stop it first") from None
        yield
