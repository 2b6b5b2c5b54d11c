"""Child processes that write to a log, never to the user's terminal, and never outlive this process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

LEASH = Path(__file__).with_name("leash.py")
GRACE_S = 15.0  # our choice: Prefect's worker gives its flows ten seconds to end
POLL_S = 0.1


class ChildError(Exception):
    """A child process did not do its duty; the message says which log tells more, in one sentence."""


def start_child(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """A child process of its own session, its output appended to `log`, ended by the kernel when this process is gone.

    ChildError where the log cannot be written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("ab")
    except OSError as error:
        raise ChildError(
            f"cannot write {log} ({error.strerror}): give a writable folder with --home or TIDEMILL_HOME"
        ) from error
    with output:
        return subprocess.Popen(  # noqa: S603  # our own interpreter and our own arguments
            [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def end_children(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the children, each with all that it started: asked first (SIGTERM), killed after a grace period."""
    trees = [process for child in children for process in _tree(child.pid)]
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while any(_is_alive(process) for process in trees) and time.monotonic() < deadline:
        for child in children:
            child.poll()
        time.sleep(POLL_S)
    for process in {*trees, *(late for child in children for late in _tree(child.pid))}:
        _kill(process)
    for child in children:
        child.wait()


def free_port() -> int:
    """A port of the loopback address that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens at the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Whether a GET of `url` is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310  # http to an address of our own or the user's
            return bool(answer.status == 200)  # noqa: PLR2004  # HTTP's OK
    except (OSError, ValueError):
        return False


def await_answer(url: str, child: subprocess.Popen[bytes], log: Path, limit_s: float) -> None:
    """Come back when `url` answers. ChildError where the child ends before, or time is up."""
    deadline = time.monotonic() + limit_s
    while not answers(url):
        if child.poll() is not None:
            raise ChildError(
                f"Prefect's server ended at once (exit {child.returncode}): {log} says why, `tidemill doctor` may help"
            )
        if time.monotonic() > deadline:
            raise ChildError(
                f"Prefect's server did not answer within {limit_s:.0f} s: {log} says why, `tidemill doctor` may help"
            )
        time.sleep(POLL_S)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
