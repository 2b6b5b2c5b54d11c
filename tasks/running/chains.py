"""Chains: the steps of one subject, in order, declared once in its room (`tasks/<room>/stage.py`). What runs and what
would run follow.

The parameters of a step's `batches` name what it reads, and with it on what it waits:

- the name of an earlier step: the records of its tasks; that name and `_batches`: its batches, in the same order;
- `published_<table>`: the table's files in the present snapshot; `snapshot_id`: that snapshot;
- `<chain>_left`: what the stage of another chain last left, None where it never ran;
- `sources`: what the declared sources of the chain's kinds have; `settings`: the chain's; `lake`.

What `shows` in the UI is called with names its parameters alike.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.intake.vintages import FetchedSource
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.lake.stages import read_stage
from tasks.lake.steps import Batch, Step, StepRecord, Task, find_record, why_due

PUBLISHED, LEFT, BATCHES = "published_", "_left", "_batches"
SNAPSHOT_ID = "snapshot_id"


@dataclass(frozen=True)
class Chain:
    """The steps of one subject. They are part of the stage `stage`, which the flow `flow` leaves.

    `settings` are its defaults (None: it has none), `kinds` the kinds of source that it takes in, `shows` what shows
    its results in the UI.
    """

    subject: str
    stage: str
    flow: str
    steps: tuple[Step, ...]
    settings: Any = None
    kinds: tuple[str, ...] = ()
    shows: tuple[Callable[..., None], ...] = ()

    def __post_init__(self) -> None:
        known = {"lake", "settings", "sources", SNAPSHOT_ID}
        for step in self.steps:
            for name in step.inputs.values():
                is_known = name in known or name.startswith(PUBLISHED) or name.endswith(LEFT)
                if not is_known:
                    raise ValueError(
                        f"{self.subject}: {step.name} reads {name}, which is no earlier step and no other input"
                    )
            known |= {step.name, step.name + BATCHES}

    @property
    def tables(self) -> tuple[str, ...]:
        """The published tables whose rows it makes, in order of its steps."""
        return tuple(dict.fromkeys(table for step in self.steps for table in step.leaves))

    @property
    def published(self) -> frozenset[str]:
        """The tables that it reads as they are published."""
        return frozenset(name.removeprefix(PUBLISHED) for name in self._inputs() if name.startswith(PUBLISHED))

    @property
    def left(self) -> frozenset[str]:
        """The chains whose last output it reads, published or not."""
        return frozenset(name.removesuffix(LEFT) for name in self._inputs() if name.endswith(LEFT))

    def _inputs(self) -> set[str]:
        return {name for step in self.steps for name in step.inputs.values()}


@dataclass(frozen=True)
class DueTask:
    """A line of the plan: a task that is due, and why; `subject` names its batch, or all of a step that waits for work
    before it.
    """

    stage: str
    step: str
    subject: str
    reason: str


@dataclass
class Walk:
    """A chain on its way: what it was given, and the records and batches of the steps behind it."""

    lake: Lake
    chain: Chain
    stage_of: Mapping[str, str]  # chain -> stage, of all chains
    settings: Any = None
    sources: Sequence[FetchedSource] = ()
    records: dict[str, list[StepRecord]] = field(default_factory=dict)
    batches: dict[str, list[Batch]] = field(default_factory=dict)

    def tasks(self, step: Step) -> list[Task]:
        """The tasks of a step on what is there; none where it reads what is published and nothing is."""
        needs_snapshot = any(name == SNAPSHOT_ID or name.startswith(PUBLISHED) for name in step.inputs.values())
        if needs_snapshot and read_manifest(self.lake) is None:
            self.batches[step.name] = []
        else:
            given = {parameter: self._input(name) for parameter, name in step.inputs.items()}
            self.batches[step.name] = list(step.batches(**given))
        return [step.task(batch) for batch in self.batches[step.name]]

    def missing(self, step: Step) -> list[str]:
        """The earlier steps that it reads and whose records are not there."""
        names = {name.removesuffix(BATCHES) for name in step.inputs.values()}
        return [one.name for one in self.chain.steps if one.name in names and one.name not in self.records]

    def show(self) -> None:
        """Show what came of it in the UI of the run that calls."""
        for show in self.chain.shows:
            show(**{name: self._input(name) for name in inspect.signature(show).parameters})

    def left(self) -> list[StepRecord]:
        """The records of all tasks as the stage leaves them: without the files that were for later steps alone."""
        return [
            replace(record, files=tuple(ref for ref in record.files if ref.table not in step.hands_over))
            for step in self.chain.steps
            for record in self.records[step.name]
        ]

    def _input(self, name: str) -> Any:
        if name in self.records:
            return self.records[name]
        if name.endswith(BATCHES) and name.removesuffix(BATCHES) in self.batches:
            return self.batches[name.removesuffix(BATCHES)]
        if name.endswith(LEFT):
            stage = self.stage_of.get(name.removesuffix(LEFT))
            return None if stage is None else read_stage(self.lake, stage)
        if name == SNAPSHOT_ID or name.startswith(PUBLISHED):
            manifest = read_manifest(self.lake)
            if manifest is None:
                return None
            return (
                manifest.snapshot_id if name == SNAPSHOT_ID else manifest.tables.get(name.removeprefix(PUBLISHED), ())
            )
        return {"lake": self.lake, "settings": self.settings, "sources": self.sources}[name]


def do_chain(walk: Walk, do_all: Callable[[Lake, Step, list[Task]], list[StepRecord]]) -> None:
    """Do every step of a chain with `do_all`, which does tasks and gives their records in order."""
    for step in walk.chain.steps:
        walk.records[step.name] = do_all(walk.lake, step, walk.tasks(step))


def plan_chain(walk: Walk) -> Iterator[DueTask]:
    """What `do_chain` would do, and why; where a step's batches cannot be known before another is done, one line says
    for what it waits.
    """
    for step in walk.chain.steps:
        missing = walk.missing(step)
        if missing:
            yield DueTask(walk.chain.stage, step.name, "all", f"waiting for {', '.join(missing)}")
            continue
        tasks = walk.tasks(step)
        reasons = [why_due(walk.lake, task) for task in tasks]
        for task, reason in zip(tasks, reasons, strict=True):
            if reason is not None:
                yield DueTask(walk.chain.stage, step.name, task.batch.subject, reason)
        if not any(reasons):
            walk.records[step.name] = [record for task in tasks if (record := find_record(walk.lake, task)) is not None]
