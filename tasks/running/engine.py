"""Fan-out through Prefect: what is done is reused, what is due goes to a task runner, a batch a task.

Where due work runs is the flow's own parameter `engine`: `local` (processes on this machine), `dask://HOST:PORT` (a
running Dask cluster whose workers can import the project and see the home), `threads`.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from multiprocessing import active_children, connection, parent_process
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError, PrefectException, TerminationSignal
from prefect.futures import PrefectFuture, as_completed
from prefect.logging import get_run_logger
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from tasks.lake.layout import Lake
from tasks.lake.progress import Progress, listening
from tasks.lake.steps import Step, StepRecord, Task, do, find_record
from tasks.running.artifacts import artifact_key
from tasks.running.runs import count_steps

LOCAL, THREADS, DASK = "local", "threads", "dask://"
PERCENT = 100.0
SHOW_EVERY_S = 5.0  # our choice: a step of seconds needs no picture, and each costs a call of the API
DASK_ANSWER_S = 5  # our choice: a scheduler on the same network answers within milliseconds


class EngineError(Exception):
    """The engine cannot take or finish work; the message says how to mend that, in one sentence."""


@dataclass(frozen=True)
class StepProgress:
    """How far a step is: tasks found done, tasks that were due, and how many of those have ended, well or not."""

    step: str
    n_reused: int
    n_due: int
    n_ended: int


_listener: ContextVar[Callable[[StepProgress], None] | None] = ContextVar("listener", default=None)
_kept: ContextVar[dict[str, TaskRunner[Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def tell_progress(listener: Callable[[StepProgress], None]) -> Iterator[None]:
    """Within, `listener` hears of every step: when its due tasks are known, and each time that one has ended."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def do_all(lake: Lake, step: Step, tasks: Sequence[Task]) -> list[StepRecord]:
    """The records of all `tasks` of a step, in their order.

    To be called inside a flow; the engine is that flow's parameter `engine`. A single due task of the engine `local`
    runs in the flow's own process, because starting another would cost more. The first task that fails raises its error
    here, after the others have ended; EngineError where the engine itself fails. The run under way counts the tasks.
    """
    records = [find_record(lake, task) for task in tasks]
    due = [place for place, record in enumerate(records) if record is None]
    if not tasks:
        return []
    teller = _Teller(step.name, len(tasks) - len(due), len(due))
    teller.tell(0)
    engine, prefect_task = _engine_of_flow(), prefect_task_of(step)
    if engine == LOCAL and len(due) == 1:
        records[due[0]] = prefect_task(str(lake.home), tasks[due[0]])
        teller.tell(1)
    elif due:
        with _runner(engine) as runner:
            given = ({"home": str(lake.home), "batch": tasks[place]} for place in due)
            futures = [runner.submit(prefect_task, parameters) for parameters in given]
            _wait(futures, teller)
            for place, future in zip(due, futures, strict=True):
                records[place] = _outcome(future, step)
    count_steps(len(due), len(tasks) - len(due))
    return [record for record in records if record is not None]


def prefect_task_of(step: Step) -> Any:
    """The Prefect task of a step, `(home: str, batch: Task) -> StepRecord`: its name, its time limit; each run is named
    for its batch.

    No retries: what can fail for a while is fetched before. No cache of Prefect's: records say what is done.
    """
    name = f"{step.name} {{batch.batch.subject}}"
    return _do_here.with_options(name=step.name, task_run_name=name, timeout_seconds=step.timeout_s)


@task(cache_policy=NO_CACHE)
def _do_here(home: str, batch: Task) -> StepRecord:
    """The record of a task, done in this process; how far it is moves a progress artifact, and goes to the log of the
    task run.
    """
    picture = _Picture(f"{batch.step} {batch.batch.subject}")
    with listening(picture.hear):
        record = do(Lake(Path(home)), batch)
    picture.finish()
    return record


@contextmanager
def tell_step(step: str) -> Iterator[None]:
    """Tell the listener of one task that is done here and now, outside `do_all`."""
    teller = _Teller(step, 0, 1)
    teller.tell(0)
    yield
    teller.tell(1)


@contextmanager
def keep_engine() -> Iterator[None]:
    """Within, each engine is started once, when first needed, and serves all `do_all`, of this flow and the flows that
    it calls.
    """
    if _kept.get() is not None:
        yield
        return
    runners: dict[str, TaskRunner[Any]] = {}
    token = _kept.set(runners)
    try:
        with _end_workers_when_stopped():
            yield
    finally:
        _kept.reset(token)
        for runner in runners.values():
            runner.__exit__(None, None, None)


def make_runner(engine: str) -> TaskRunner[Any]:
    """A task runner for `engine`, not started. EngineError where there is no such engine or nothing answers there."""
    if engine == LOCAL:
        return LocalProcesses(max_workers=os.cpu_count(), initializer=_end_with_parent)
    if engine == THREADS:
        return ThreadPoolTaskRunner(max_workers=os.cpu_count())
    if engine.startswith(DASK):
        return _dask_runner(engine.removeprefix(DASK))
    raise EngineError(f"there is no engine called {engine!r}: give local or dask://HOST:PORT")


class LocalProcesses(ProcessPoolTaskRunner):
    """Prefect's pool of processes, able to serve several flow runs one after another."""

    def forget_flow_run(self) -> None:
        """Make the next submit read anew which flow run it belongs to: Prefect 3.8.8 remembers the first until the pool
        ends.
        """
        self._cached_context = None


@contextmanager
def _runner(engine: str) -> Iterator[TaskRunner[Any]]:
    runners = _kept.get()
    if runners is None:
        with make_runner(engine) as runner, _end_workers_when_stopped():
            yield runner
        return
    if engine not in runners:
        runners[engine] = make_runner(engine).__enter__()
    runner = runners[engine]
    if isinstance(runner, LocalProcesses):
        runner.forget_flow_run()
    yield runner


@contextmanager
def _end_workers_when_stopped() -> Iterator[None]:
    """End the worker processes at once where the run is stopped by a signal: a pool would wait for what they are
    doing.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, TerminationSignal):
        for worker in active_children():
            worker.terminate()
        raise


def _engine_of_flow() -> str:
    context = FlowRunContext.get()
    if context is None:
        raise EngineError("do_all belongs inside a flow, whose parameter `engine` it follows")
    return str((context.parameters or {}).get("engine", LOCAL))


class _Picture:
    """A progress artifact of the task that runs, made when there is something to show; nothing outside of a task."""

    def __init__(self, subject: str) -> None:
        self._key = artifact_key(f"progress-{subject}")
        self._artifact_id: UUID | None = None

    def hear(self, progress: Progress) -> None:
        """Log `progress`, and show it."""
        _log(str(progress))
        self.show(PERCENT * progress.share_done, str(progress))

    def finish(self) -> None:
        """Show, where something was shown, that all is done."""
        if self._artifact_id is not None:
            self.show(PERCENT, None)

    def show(self, percent: float, description: str | None) -> None:
        """Make or move the artifact; no work fails because a picture of it cannot be drawn."""
        if FlowRunContext.get() is None and TaskRunContext.get() is None:
            return
        with suppress(httpx.HTTPError, PrefectException):
            if self._artifact_id is None:
                made = create_progress_artifact(percent, key=self._key, description=description)
                self._artifact_id = cast(UUID, made)
            else:
                update_progress_artifact(self._artifact_id, percent, description=description)


def _log(line: str) -> None:
    try:
        get_run_logger().info("%s", line)
    except MissingContextError:
        logging.getLogger(__name__).info("%s", line)


class _Teller:
    """Tells the listener how far a step is, and shows it in the UI where it takes long."""

    def __init__(self, step: str, n_reused: int, n_due: int) -> None:
        self._progress = StepProgress(step, n_reused, n_due, 0)
        self._picture = _Picture(step)
        self._is_shown = False
        self._shown_at = time.monotonic()

    def tell(self, n_ended: int) -> None:
        """Of the tasks that were due, `n_ended` have ended by now."""
        self._progress = replace(self._progress, n_ended=n_ended)
        listener = _listener.get()
        if listener is not None:
            listener(self._progress)
        n_due = self._progress.n_due
        is_last = self._is_shown and n_ended == n_due
        if n_due > 1 and (is_last or time.monotonic() - self._shown_at >= SHOW_EVERY_S):
            description = f"{self._progress.step}: {n_due} batches, {self._progress.n_reused} unchanged"
            self._picture.show(PERCENT * n_ended / n_due, description)
            self._is_shown, self._shown_at = True, time.monotonic()


def _wait(futures: list[PrefectFuture[StepRecord]], teller: _Teller) -> None:
    for n_ended, _ in enumerate(as_completed(futures), start=1):
        teller.tell(n_ended)


def _outcome(future: PrefectFuture[StepRecord], step: Step) -> StepRecord:
    try:
        return future.result()
    except BrokenProcessPool as error:
        what = f"a worker process was killed during {step.name}, most likely for want of memory"
        raise EngineError(f"{what}: free some and run again, what is done stays done") from error


def _dask_runner(address: str) -> TaskRunner[Any]:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=DASK_ANSWER_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise EngineError(
            f"no Dask scheduler answers at {address!r}: start one with `dask scheduler`, or use --engine local"
        ) from error
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415  # half a second that only users of Dask pay

    return DaskTaskRunner(address=f"tcp://{address}")


def _end_with_parent() -> None:
    """Make this worker process end when the flow's process is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
