"""How far a training of word vectors is, told now and then to whoever listens, and to the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

SECONDS_BETWEEN_REPORTS = 10.0  # our choice


@dataclass(frozen=True)
class TrainingProgress:
    """Of the training of language `lang`: share done, mean loss of this epoch so far, tokens a second, seconds to go."""

    lang: str
    share: float
    loss: float
    tokens_per_second: float
    seconds_to_go: float

    def __str__(self) -> str:
        return (
            f"{self.lang}: {100 * self.share:.0f} % read, loss {self.loss:.4f}, {self.tokens_per_second / 1e6:.2f} M tokens/s, "
            f"{self.seconds_to_go:.0f} s to go"
        )


Listener = Callable[[TrainingProgress], None]
_listener: ContextVar[Listener | None] = ContextVar("training_listener", default=None)


@contextmanager
def tell_training(listener: Listener) -> Iterator[None]:
    """Within, `listener` hears of a training every ten seconds, and the log does not."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def reporter(lang: str, n_tokens_in_all: int) -> Callable[[int, float], None]:
    """A function of tokens done (over all epochs) and loss that tells of it when it is time; its speed is that since the first call."""
    listener = _listener.get() or (lambda progress: logging.getLogger(__name__).info("%s", progress))
    began = last = time.monotonic()
    n_at_first: int | None = None

    def report(n_tokens_done: int, loss: float) -> None:
        nonlocal last, n_at_first
        n_at_first = n_tokens_done if n_at_first is None else n_at_first
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_REPORTS:
            last = now
            speed = max(n_tokens_done - n_at_first, 1) / (now - began)
            to_go = (n_tokens_in_all - n_tokens_done) / speed
            listener(TrainingProgress(lang, n_tokens_done / max(n_tokens_in_all, 1), loss, speed, to_go))

    return report
