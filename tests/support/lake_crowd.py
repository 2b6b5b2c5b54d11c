"""Publishers and readers that work at once, each in a process of its own, for the tests."""

import os
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

import duckdb

from support.lake_rows import labels_of, score_of, stage_of
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.vacuum import vacuum
from tasks.lake.warehouse import connect

BOTH = (
    "SELECT (SELECT CAST(label AS INTEGER) FROM labels), (SELECT CAST(value AS INTEGER) FROM scores), "
    "(SELECT count(*) FROM ops.snapshots)"
)
A_READERS_PAUSE_S = 0.1  # eight readers without one would leave two cores to nobody else


def stages_of(lake: Lake, n: int) -> list[Any]:
    """The number n in two tables of two stages."""
    return [stage_of("documents", labels_of(lake, a=str(n))), stage_of("hmm", score_of(lake, float(n)))]


def publish_one_stage(home: Path, stage: str, n_rounds: int, start: Barrier, answers: "Queue[Any]") -> None:
    """Publish the numbers 1 to n_rounds as one of the two stages; answers the snapshots made."""
    lake = Lake(home)
    start.wait()
    made = []
    for n in range(1, n_rounds + 1):
        (record,) = (record for record in stages_of(lake, n) if record.stage == stage)
        made.append(publish(lake, [record], f"{stage} {n}").snapshot_id)
    answers.put((stage, made))


def publish_many(home: Path, n_publishes: int, keep: int) -> None:
    """Publish the numbers 1 to n_publishes in both tables, with a vacuum now and then."""
    lake = Lake(home)
    for n in range(1, n_publishes + 1):
        publish(lake, stages_of(lake, n), f"run {n}")
        if n % 20 == 0:
            vacuum(lake, keep)


def read_by_path(home: Path, ended: Event, answers: "Queue[Any]") -> None:
    """Open the published path anew for each query, as any client would."""
    loop(lambda: one_answer(str(home / "warehouse.duckdb")), ended, answers)


def read_through_connect(home: Path, ended: Event, answers: "Queue[Any]") -> None:
    """Ask through our own connections, a new one for each query."""

    def ask() -> tuple[Any, ...]:
        with connect(Lake(home)) as connection:
            return connection.execute(BOTH).fetchall()[0]

    loop(ask, ended, answers)


def read_for_long(home: Path, ended: Event, answers: "Queue[Any]") -> None:
    """Keep a connection for many queries: each of them must see what the first saw, but for the log, which grows."""
    os.nice(10)
    seen = []
    while not ended.is_set():
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
            numbers = []
            for _ in range(10):
                numbers.append(connection.execute(BOTH).fetchall()[0])
                time.sleep(A_READERS_PAUSE_S)
        if len({number[:2] for number in numbers}) > 1:
            answers.put(f"a connection saw {numbers}")
            return
        seen += numbers
    answers.put(seen)


def one_answer(warehouse: str) -> tuple[Any, ...]:
    with duckdb.connect(warehouse, read_only=True) as connection:
        return connection.execute(BOTH).fetchall()[0]


def loop(ask: Any, ended: Event, answers: "Queue[Any]") -> None:
    os.nice(10)  # readers must not keep the publisher from publishing
    seen: list[Sequence[int]] = []
    try:
        while not ended.is_set():
            seen.append(ask())
            time.sleep(A_READERS_PAUSE_S)
    except (duckdb.Error, LakeError) as error:
        answers.put(f"{type(error).__name__}: {error}")
    else:
        answers.put(seen)
