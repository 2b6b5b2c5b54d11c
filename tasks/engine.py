"""Fan-out through Prefect: what stands is read, what is due is submitted to the flow's task runner, a batch a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord, Work, find_record


def do_all(lake: Lake, works: Sequence[Work], task: Any) -> list[StepRecord]:
    """The records of all `works`, in their order. `task` is a Prefect task `(home: str, work: Work) -> StepRecord`.

    To be called inside a flow. The first task that fails raises its error here, after the others have ended.
    """
    records = [find_record(lake, work) for work in works]
    futures = {place: task.submit(str(lake.home), works[place]) for place, record in enumerate(records) if record is None}
    for future in futures.values():
        future.wait()
    return [futures[place].result() if record is None else record for place, record in enumerate(records)]
