"""Progress of a run: bars on a terminal, a line a step where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tasks.running.engine import StepProgress, tell_progress
from tidemill.terminal import console_for_people, is_terminal, streams, warn

LINE_EVERY_S = 10.0  # our choice: a log line a step, and for long ones a sign of life


@contextmanager
def show_progress() -> Iterator[None]:
    """Within, the user sees how far each step is."""
    if not is_terminal(streams().err):
        with tell_progress(PlainLines().hear):
            yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console_for_people()) as progress, tell_progress(_bars(progress)):
        yield


class PlainLines:
    """A line when a step that had something to do is done, and while it takes long."""

    def __init__(self) -> None:
        self._began = self._last_line = time.monotonic()

    def hear(self, progress: StepProgress) -> None:
        """Write what is worth writing about `progress`."""
        now = time.monotonic()
        if progress.n_ended == 0:
            self._began = self._last_line = now
        elif progress.n_ended == progress.n_due:
            warn(f"{progress.step}: {progress.n_due} done{_unchanged(progress)} in {now - self._began:.1f} s")
        elif now - self._last_line > LINE_EVERY_S:
            self._last_line = now
            warn(f"{progress.step}: {progress.n_ended} of {progress.n_due}")


def _bars(progress: Progress) -> Callable[[StepProgress], None]:
    current: list[TaskID] = []

    def hear(step: StepProgress) -> None:
        if step.n_due == 0:
            return
        if step.n_ended == 0:
            current[:] = [progress.add_task(step.step, total=step.n_due, note=_unchanged(step).removeprefix(", "))]
        elif current:
            progress.update(current[0], completed=step.n_ended)

    return hear


def _unchanged(step: StepProgress) -> str:
    return f", {step.n_reused} unchanged" if step.n_reused else ""
