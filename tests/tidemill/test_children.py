import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tidemill.children import ChildError, await_answer, end_children, is_free, start_child
from tidemill.children import free_port as find_port

ROOT = Path(__file__).resolve().parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from tidemill.children import start_child
child = start_child([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""


def await_that(is_so: Callable[[], bool], limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_child_ends_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    await_that(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_ending_asks_first_then_kills_and_takes_grandchildren_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.children.GRACE_S", 0.5)
    willing = start_child(SLEEP, os.environ, tmp_path / "willing.log")
    stubborn = start_child([sys.executable, "-c", STUBBORN], os.environ, tmp_path / "stubborn.log")
    await_that(lambda: "ready" in (tmp_path / "stubborn.log").read_text())
    grandchildren = psutil.Process(stubborn.pid).children()
    end_children([willing, stubborn])
    assert (willing.returncode, stubborn.returncode) == (-signal.SIGTERM, -signal.SIGKILL)
    assert len(grandchildren) == 1
    await_that(lambda: not any(process.is_running() for process in grandchildren))


def test_a_child_writes_to_its_log_and_hears_interrupts_though_its_parent_ignores_them(tmp_path: Path) -> None:
    told = "import signal; print('heard' if signal.getsignal(signal.SIGINT) is signal.default_int_handler else 'deaf')"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start_child([sys.executable, "-c", told], os.environ, tmp_path / "logs" / "log").wait()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "logs" / "log").read_text() == "heard\n"


def test_a_server_that_ends_or_never_answers_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    ended = start_child([sys.executable, "-c", "raise SystemExit(3)"], os.environ, log)
    with pytest.raises(ChildError, match=rf"ended at once \(exit 3\): {log} says why"):
        await_answer(f"http://127.0.0.1:{find_port()}/health", ended, log, 30)
    silent = start_child(SLEEP, os.environ, log)
    with pytest.raises(ChildError, match=f"did not answer within 0 s: {log} says why"):
        await_answer(f"http://127.0.0.1:{find_port()}/health", silent, log, 0.2)
    end_children([silent])


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChildError, match=r"cannot write .*/file/log"):
        start_child(SLEEP, os.environ, tmp_path / "file" / "log")


def test_a_port_is_free_until_somebody_listens() -> None:
    port = find_port()
    assert is_free(port)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()
        assert not is_free(port)
