import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Pending, Running, State

from tasks.running.flow_runs import crash_dead_runs, remove_old_runs

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@flow
def idle() -> None:
    """A flow that is never called: its runs are made by hand."""


@task
def a_call() -> None:
    """The task run by which one flow run calls another."""


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


def make_run(client: SyncPrefectClient, state: State[None], pid: int | None = None) -> UUID:
    run = client.create_flow_run(idle, state=Pending())
    client.set_flow_run_state(run.id, state, force=True)
    if pid is not None:
        client.update_flow_run(run.id, infrastructure_pid=str(pid))
    return run.id


def state_of(client: SyncPrefectClient, run_id: UUID) -> StateType | None:
    return client.read_flow_run(run_id).state_type


@pytest.fixture
def lost_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_run_whose_process_is_gone_is_crashed_at_once_and_a_living_one_goes_on(
    client: SyncPrefectClient, lost_pid: int
) -> None:
    lost = make_run(client, Running(), lost_pid)
    living = make_run(client, Running(), os.getpid())
    client.update_flow_run(living, name="living")
    crash_dead_runs(is_local=True)
    assert state_of(client, lost) == StateType.CRASHED
    assert state_of(client, living) == StateType.RUNNING


def test_a_later_process_of_the_same_number_is_not_the_run(client: SyncPrefectClient) -> None:
    run = make_run(client, Running())
    time.sleep(3)
    later = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        client.update_flow_run(run, infrastructure_pid=str(later.pid))
        crash_dead_runs(is_local=True)
    finally:
        later.kill()
        later.wait()
    assert state_of(client, run) == StateType.CRASHED


def test_a_run_whose_process_lives_may_be_silent_and_so_may_those_that_it_called(
    client: SyncPrefectClient, lost_pid: int
) -> None:
    parent = make_run(client, Running(), os.getpid())
    calling = client.create_task_run(a_call, flow_run_id=parent, dynamic_key="0")
    called = client.create_flow_run(idle, parent_task_run_id=calling.id, state=Running()).id
    crash_dead_runs(is_local=True, silent_after=timedelta(0))
    assert state_of(client, parent) == state_of(client, called) == StateType.RUNNING
    client.update_flow_run(parent, infrastructure_pid=str(lost_pid))
    crash_dead_runs(is_local=True)
    assert state_of(client, parent) == state_of(client, called) == StateType.CRASHED


def test_pids_mean_nothing_where_workers_may_be_elsewhere(client: SyncPrefectClient, lost_pid: int) -> None:
    run = make_run(client, Running(), lost_pid)
    crash_dead_runs()
    assert state_of(client, run) == StateType.RUNNING


@pytest.mark.parametrize("state", [Running(), Pending()])
def test_a_run_that_has_been_silent_too_long_is_crashed(client: SyncPrefectClient, state: State[None]) -> None:
    run = make_run(client, state)
    crash_dead_runs(silent_after=timedelta(hours=1))
    assert state_of(client, run) == state.type
    crash_dead_runs(silent_after=timedelta(0))
    assert state_of(client, run) == StateType.CRASHED


def test_only_runs_that_ended_long_ago_are_removed(client: SyncPrefectClient) -> None:
    old, running = make_run(client, Completed()), make_run(client, Running())
    time.sleep(1.5)
    young = make_run(client, Completed())
    assert remove_old_runs(timedelta(days=1)) == 0
    assert remove_old_runs(timedelta(seconds=1)) >= 1
    with pytest.raises(ObjectNotFound):
        client.read_flow_run(old)
    assert state_of(client, young) == StateType.COMPLETED
    assert state_of(client, running) == StateType.RUNNING
