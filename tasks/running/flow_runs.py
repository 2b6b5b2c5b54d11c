"""Prefect's record of flow runs, kept true and kept small: dead runs are marked as crashed, old ones are removed.

A flow's process that is killed is noticed by its worker. Where the worker is gone too, nobody does, and the run would
stand as running for ever; so somebody has to look. See `docs/decisions/0008-serving.md`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter, EventResourceFilter
from prefect.states import Crashed

UNDER_WAY = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED)
SILENT_AFTER = timedelta(
    minutes=10
)  # more than three of the heartbeats that Prefect sends every 180 s where nobody sets less
CLOCKS_DIFFER = timedelta(seconds=1.5)  # the kernel tells the start of processes from a boot time in whole seconds
PAGE = 200  # the most that the API gives at once


def crash_dead_runs(*, is_local: bool = False, silent_after: timedelta = SILENT_AFTER) -> list[str]:
    """Names of the flow runs that were marked as crashed, because nobody runs them any more.

    Where `is_local` says that all workers of this API are on this machine, a run whose process is known is dead when
    that is gone, and never before; so are the runs that it called. Every other run is dead when it gave no sign of life
    (a heartbeat, a change of state) for `silent_after`.
    """
    crashed = []
    with get_client(sync_client=True) as client:
        for run in list(_runs(client, FlowRunFilter(state=_in_state(*UNDER_WAY)))):
            caller = _first_caller(client, run)
            if is_local and (caller.infrastructure_pid or "").isdigit():
                is_dead = _has_lost_process(caller)
            else:
                is_dead = datetime.now(UTC) - _last_sign_of_life(client, run) > silent_after
            if is_dead:
                client.set_flow_run_state(
                    run.id, Crashed(message="Its process is gone, and so was its worker."), force=True
                )
                crashed.append(run.name)
    return crashed


def remember_process(flow: object, flow_run: FlowRun, state: object) -> None:  # noqa: ARG001  # Prefect gives all three by name
    """A hook for flows that no worker runs: their API is told which process they are, so that `crash_dead_runs` can
    tell.
    """
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, infrastructure_pid=str(os.getpid()))


def remove_old_runs(older_than: timedelta) -> int:
    """How many ended flow runs were removed from Prefect's database, because they ended longer ago than
    `older_than`.
    """
    end_time = FlowRunFilterEndTime.model_validate({"before_": datetime.now(UTC) - older_than})
    wanted = FlowRunFilter(state=_in_state(*ENDED), end_time=end_time)
    with get_client(sync_client=True) as client:
        runs = list(_runs(client, wanted))
        for run in runs:
            client.delete_flow_run(run.id)
    return len(runs)


def _runs(client: SyncPrefectClient, wanted: FlowRunFilter) -> Iterator[FlowRun]:
    offset = 0
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset):
        yield from page
        offset += len(page)


def _in_state(*kinds: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds)))


def _first_caller(client: SyncPrefectClient, run: FlowRun) -> FlowRun:
    """The run that nobody called: this one, or the first of those that led to it. All of them share one process."""
    while run.parent_task_run_id is not None:
        calling_id = client.read_task_run(run.parent_task_run_id).flow_run_id
        if calling_id is None:
            break
        run = client.read_flow_run(calling_id)
    return run


def _has_lost_process(run: FlowRun) -> bool:
    """Whether the run's process is no process of this machine; a later one of the same number is another."""
    try:
        process = psutil.Process(int(run.infrastructure_pid or ""))
        began = datetime.fromtimestamp(process.create_time(), UTC)
        is_another = run.start_time is not None and began > run.start_time + CLOCKS_DIFFER
        return is_another or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _last_sign_of_life(client: SyncPrefectClient, run: FlowRun) -> datetime:
    resource = EventResourceFilter(id=[f"prefect.flow-run.{run.id}"])
    events = client.read_events(EventFilter(resource=resource), limit=1).events
    signs = [run.state.timestamp if run.state is not None else None, run.created, *(event.occurred for event in events)]
    return max(sign for sign in signs if sign is not None)
