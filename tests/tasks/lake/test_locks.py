import os
import signal
import time
from pathlib import Path

import pytest

from tasks.lake.layout import LakeError
from tasks.lake.locks import hold


def child_that_holds(path: Path, ready: int) -> int:
    """The process id of a child that takes the lock, says so, and sleeps."""
    child = os.fork()
    if child == 0:
        with hold(path):
            os.write(ready, b"x")
            time.sleep(60)
        os._exit(0)
    return child


@pytest.mark.slow
def test_a_lock_is_exclusive_and_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    listen, ready = os.pipe()
    holder = child_that_holds(tmp_path / ".lock", ready)
    assert os.read(listen, 1) == b"x"
    waiter = child_that_holds(tmp_path / ".lock", ready)
    os.set_blocking(listen, False)
    time.sleep(0.3)
    with pytest.raises(BlockingIOError):
        os.read(listen, 1)  # the second has not got it
    os.kill(holder, signal.SIGKILL)
    os.set_blocking(listen, True)
    assert os.read(listen, 1) == b"x"
    os.kill(waiter, signal.SIGKILL)
    for child in (holder, waiter):
        os.waitpid(child, 0)
    with hold(tmp_path / ".lock"):
        pass


def test_a_lock_is_free_after_an_error_inside(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), hold(tmp_path / ".lock"):
            raise ZeroDivisionError


def test_a_lock_that_cannot_be_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with (
        pytest.raises(LakeError, match=r"cannot lock .*: make the folder writable"),
        hold(tmp_path / "nowhere" / ".lock"),
    ):
        pass
