"""How far a network's training is, in the words of all steps' progress: the loop itself has no clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.lake.progress import reporter

if TYPE_CHECKING:  # which loads PyTorch
    from models.training.loop import Progress

SHORTEST_S = 1e-9  # a clock may not have moved between two batches


def training_listener(
    subject: str, n_trainings: int = 1, clock: Callable[[], float] = time.monotonic
) -> Callable[[Progress], None]:
    """A listener for `models.training.loop.train`: tells how far `n_trainings` of it, one after another, are, with
    epoch, loss and samples a second of the present one.
    """
    report = reporter(subject, clock)
    began = last = clock()
    n_before, share = 0, 0.0

    def listen(progress: Progress) -> None:
        nonlocal began, last, n_before, share
        if progress.share_done <= share:  # the next training has begun
            n_before, began = n_before + 1, last
        share, last = progress.share_done, clock()
        speed = progress.n_samples / max(last - began, SHORTEST_S)
        message = f"epoch {progress.epoch + 1} of {progress.n_epochs}, loss {progress.loss:.4f}, {speed:,.0f} samples/s"
        report((n_before + share) / n_trainings, message)

    return listen
