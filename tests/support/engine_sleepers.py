"""A program for test_engine.py: a flow whose tasks sleep in worker processes until somebody stops it."""

import os
import signal
import sys
import time

from prefect import flow

from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, Step, StepOutput
from tasks.running.engine import do_all, keep_engine


def sleep_long(lake: Lake, word: str) -> StepOutput:
    (lake.home / f"{word}.pid").write_text(str(os.getpid()))
    time.sleep(600)
    return StepOutput((), 0, 0)


SLEEP = Step("sleep_long", sleep_long, list)


@flow
def sleep_all(home: str, engine: str = "local") -> None:  # noqa: ARG001  # do_all reads it
    do_all(Lake.open(home), SLEEP, [SLEEP.task(Batch(word, (word,), word)) for word in ("one", "two")])


@flow
def keep_and_sleep(home: str) -> None:
    with keep_engine():
        sleep_all(home)


if __name__ == "__main__":
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored where the tests run in the background of a script
    keep_and_sleep(sys.argv[1])
