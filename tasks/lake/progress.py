"""How far a task is: its body tells now and then, whoever runs it listens. Nothing that a step leaves depends on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

SECONDS_BETWEEN_REPORTS = 5.0  # our choice: work of a few seconds needs no picture, and each costs a call of the API


@dataclass(frozen=True)
class Progress:
    """Of `subject` the share `share_done`, 0 to 1, is done; `message` says the rest in words."""

    subject: str
    share_done: float
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {100 * self.share_done:.0f} % done, {self.message}"


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within, `listener` hears how far the work is; without one the log does."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def reporter(subject: str, clock: Callable[[], float] = time.monotonic) -> Callable[[float, str], None]:
    """A function of the share done and a message, to be called as often as one likes: it tells every five seconds, with
    the time to go.

    Work that is resumed does not begin at 0: speed is that since the first call.
    """
    listener = _listener.get() or (lambda progress: logging.getLogger(__name__).info("%s", progress))
    began = last = clock()
    share_at_first: float | None = None

    def report(share_done: float, message: str) -> None:
        nonlocal last, share_at_first
        share_at_first = share_done if share_at_first is None else share_at_first
        now = clock()
        if now - last >= SECONDS_BETWEEN_REPORTS:
            last = now
            gained = share_done - share_at_first
            to_go = f"{(1.0 - share_done) / gained * (now - began):.0f} s to go" if gained > 0 else "time to go unknown"
            listener(Progress(subject, share_done, f"{message}, {to_go}"))

    return report
