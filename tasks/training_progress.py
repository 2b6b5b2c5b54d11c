"""How far a training is, told now and then: epoch, loss, speed, time to go. The loop itself has no clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which loads PyTorch
    from models.training import Progress

SECONDS_BETWEEN_REPORTS = 10.0  # our choice


def progress_log(
    subject: str, log: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic
) -> Callable[[Progress], None]:
    """A listener for `models.training.train` that logs a line about `subject` every ten seconds. `log` takes the line, else the logger."""
    write = log or logging.getLogger(__name__).info
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
        to_go = f"{(1.0 - progress.share_done) / gained * (now - began):.0f} s to go" if gained > 0 else "time to go unknown"
        write(f"{subject}: epoch {progress.epoch + 1} of {progress.n_epochs}, loss {progress.loss:.4f}, {speed:,.0f} samples/s, {to_go}")

    return report
