"""A program for test_engine.py: a flow whose works sleep in worker processes until somebody stops it."""

import os
import signal
import sys
import time
from pathlib import Path

from prefect import flow, task

from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput, StepRecord, Work, do
from tasks.running.engine import do_all, keep_engine

SLEEP = Step("sleep_long", ("tasks.transforms.records.quarantine",))


def body(lake: Lake, word: str) -> StepOutput:
    (lake.home / f"{word}.pid").write_text(str(os.getpid()))
    time.sleep(600)
    return StepOutput((), 0, 0)


@task
def sleep_long(home: str, work: Work) -> StepRecord:
    return do(Lake(Path(home)), work, body)


@flow
def sleep_all(home: str, engine: str = "local") -> None:  # noqa: ARG001  # do_all reads it
    do_all(Lake.open(home), [Work(SLEEP, word, (word,), word) for word in ("one", "two")], sleep_long)


@flow
def keep_and_sleep(home: str) -> None:
    with keep_engine():
        sleep_all(home)


if __name__ == "__main__":
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored where the tests run in the background of a script
    keep_and_sleep(sys.argv[1])
