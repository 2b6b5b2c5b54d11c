"""A run on a disk that takes no file beyond some size, in a process of its own, for the tests."""

import resource
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from support.lake_rows import write_rows
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, do


def write_many_labels(lake: Lake, label: str) -> StepOutput:
    rows = [{"doc_id": f"{n * 2654435761 % 2**64:016x}", "label": label} for n in range(1000)]
    return StepOutput((write_rows(lake, "labels", rows),), 1000, 1000)


def run_all(lake: Lake, label: str) -> str:
    """A step, its stage, its publish; the snapshot's name."""
    record = do(lake, Step("write_labels", write_many_labels, list).task(Batch("all", (label,), label)))
    return publish(lake, [leave_stage(lake, "documents", ("labels",), [record])], f"run {label}").snapshot_id


def run_with_little_space(home: Path, most_bytes: int, answers: "Queue[Any]") -> None:
    """Answers the error of a run in which no file may grow beyond `most_bytes`, or the snapshot that it made all the
    same.
    """
    lake = Lake(home)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        answers.put(("made", run_all(lake, "new")))
    except LakeError as error:
        answers.put(("refused", str(error)))
