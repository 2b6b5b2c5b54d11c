"""How far a training is, told now and then: epoch, loss, speed, time to go. The loop itself has no clock.

A line goes to the log of the Prefect run, or to the plain one outside of a run; in a task a progress artifact moves with it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.exceptions import MissingContextError, PrefectException
from prefect.logging import get_run_logger

if TYPE_CHECKING:  # which loads PyTorch
    from models.training.loop import Progress

SECONDS_BETWEEN_REPORTS = (
    10.0  # our choice: a training of a few seconds needs no picture, and each costs a call of the API
)
PERCENT = 100.0


def progress_log(
    subject: str, log: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic
) -> Callable[[Progress], None]:
    """A listener for `models.training.loop.train` that tells a line about `subject` every ten seconds. `log` takes the line where it is given."""
    write = log or _to_log
    picture = _Picture(subject)
    began = last = clock()
    share_before: float | None = None

    def report(progress: Progress) -> None:
        nonlocal last, share_before
        if share_before is None:
            share_before = progress.share_done  # a resumed training does not begin at 0
        now = clock()
        if now - last < SECONDS_BETWEEN_REPORTS:
            return
        last = now
        speed = progress.n_samples / (now - began)
        gained = progress.share_done - share_before
        to_go = (
            f"{(1.0 - progress.share_done) / gained * (now - began):.0f} s to go"
            if gained > 0
            else "time to go unknown"
        )
        line = f"{subject}: epoch {progress.epoch + 1} of {progress.n_epochs}, loss {progress.loss:.4f}, {speed:,.0f} samples/s, {to_go}"
        write(line)
        picture.move(progress.share_done, line)

    return report


def artifact_key(text: str) -> str:
    """`text` in lower case, digits and dashes: what a key of an artifact may hold."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())


def _to_log(line: str) -> None:
    try:
        get_run_logger().info("%s", line)
    except MissingContextError:
        logging.getLogger(__name__).info("%s", line)


class _Picture:
    """A progress artifact of the task that runs; nothing outside of one."""

    def __init__(self, subject: str) -> None:
        self._key = f"training-{artifact_key(subject)}"
        self._artifact: UUID | None = None

    def move(self, share_done: float, description: str) -> None:
        """Show that `share_done` (0 to 1) is done."""
        if TaskRunContext.get() is None:
            return
        with suppress(httpx.HTTPError, PrefectException):  # no training fails because a picture of it cannot be drawn
            if self._artifact is None:
                self._artifact = cast(
                    UUID, create_progress_artifact(PERCENT * share_done, key=self._key, description=description)
                )
            else:
                update_progress_artifact(self._artifact, PERCENT * share_done, description=description)
