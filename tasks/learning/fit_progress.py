"""How far a fit of regimes is: shown in the UI of the task that runs it, and told to the log where there is none."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.exceptions import MissingContextError, PrefectException
from prefect.logging import get_run_logger

from models.regimes.regimes import RegimeProgress, RegimeSettings

SHOW_EVERY_S = 2.0  # our choice: each costs a call of the API


@dataclass(frozen=True)
class FitProgress:
    """Iteration `iteration` (from 0) of the fit with `n_states` states has this log-likelihood; `share_done` counts the iterations that all
    fits may take, so that one which converges early leaps ahead.
    """

    n_states: int
    iteration: int
    log_likelihood: float
    share_done: float

    def __str__(self) -> str:
        return f"{self.n_states} states, iteration {self.iteration}: log-likelihood {self.log_likelihood:.3f}"


Listener = Callable[[FitProgress], None]
_listener: ContextVar[Listener | None] = ContextVar("fit_listener", default=None)


@contextmanager
def tell_fit(listener: Listener) -> Iterator[None]:
    """Within, `listener` hears of every iteration."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def fit_reporter(settings: RegimeSettings) -> RegimeProgress:
    """What a fit with these settings tells its iterations; where nobody listens they go to the log."""
    listener = _listener.get() or (lambda progress: logging.getLogger(__name__).info("%s", progress))
    numbers = list(range(1, settings.most_states + 1)) if settings.n_states is None else [settings.n_states]
    n_iterations = len(numbers) * settings.n_iter

    def report(n_states: int, iteration: int, log_likelihood: float) -> None:
        n_done = numbers.index(n_states) * settings.n_iter + iteration + 1
        listener(FitProgress(n_states, iteration, log_likelihood, n_done / n_iterations))

    return report


@contextmanager
def show_fit() -> Iterator[None]:
    """Within, each iteration goes to the log of the Prefect run, and every two seconds moves a progress artifact of the task."""
    artifact: list[UUID] = []
    shown_at = -SHOW_EVERY_S

    def show(progress: FitProgress) -> None:
        nonlocal shown_at
        with suppress(MissingContextError):
            get_run_logger().info("%s", progress)
        if TaskRunContext.get() is None or time.monotonic() - shown_at < SHOW_EVERY_S:
            return
        shown_at = time.monotonic()
        with suppress(httpx.HTTPError, PrefectException):  # no fit fails because a picture of it cannot be drawn
            percent = 100 * progress.share_done
            if artifact:
                update_progress_artifact(artifact[0], percent, description=str(progress))
            else:
                artifact.append(
                    cast(UUID, create_progress_artifact(percent, key="regimes-progress", description=str(progress)))
                )

    with tell_fit(show):
        yield
    if artifact:
        with suppress(httpx.HTTPError, PrefectException):
            update_progress_artifact(artifact[0], 100.0)
