"""Shares of a batch in several threads."""

import threading

import pytest

from models.lstm import threads as lstm_threads
from models.lstm.threads import run_shares

SHARES = [(0, 8), (8, 16), (16, 19)]


@pytest.fixture(params=["torch's threads", "Python's threads"])
def _either(request, monkeypatch):
    if request.param == "Python's threads":
        monkeypatch.setattr(lstm_threads, "_parallel", None)
    elif lstm_threads._parallel is None:
        pytest.skip("this torch has another OpenMP")


@pytest.mark.usefixtures("_either")
def test_every_share_is_run_once_and_all_are_done_at_the_end():
    done = []
    run_shares(lambda first, beyond: done.append((first, beyond)), SHARES)
    assert sorted(done) == SHARES


@pytest.mark.usefixtures("_either")
def test_shares_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=20)
    run_shares(lambda *_: meeting.wait(), SHARES[:2])
    assert not meeting.broken


@pytest.mark.usefixtures("_either")
def test_an_error_in_a_thread_is_raised():
    def fail(first, _):
        if first == 8:
            raise ArithmeticError("share 8")

    with pytest.raises(ArithmeticError, match="share 8"):
        run_shares(fail, SHARES)


def test_one_share_needs_no_thread():
    names = []
    run_shares(lambda *_: names.append(threading.current_thread().name), [(0, 4)])
    assert names == [threading.current_thread().name]
