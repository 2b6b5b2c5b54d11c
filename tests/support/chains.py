"""Chains done here and now, without Prefect, for the tests of what they leave."""

from collections.abc import Sequence
from typing import Any

from tasks.intake.fetch import fetch_source
from tasks.intake.vintages import FetchedSource
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Batch, Step, StepRecord, do
from tasks.running.chains import Chain, DueTask, Walk, do_chain, plan_chain
from tasks.transforms.records.source_format import Source

STAGES = {"taggers": "hmm", "documents": "documents", "features": "features", "embeddings": "embeddings"}


def walk(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> Walk:
    """A walk along `chain`, not begun."""
    fetched = [FetchedSource(source, fetch_source(lake, source)) for source in sources if source.kind in chain.kinds]
    return Walk(lake, chain, STAGES, chain.settings if settings is None else settings, fetched)


def run_chain(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> Walk:
    """All steps of `chain`: `records` and `batches` of the walk hold what was done, by step."""
    way = walk(lake, chain, settings, sources)
    do_chain(way, lambda lake, _, tasks: [do(lake, task) for task in tasks])
    return way


def leave_chain(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> StageRecord:
    """The stage as `chain` alone leaves it."""
    way = run_chain(lake, chain, settings, sources)
    return leave_stage(lake, chain.stage, chain.tables, way.left())


def publish_chain(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> StageRecord:
    """The same, published."""
    stage = leave_chain(lake, chain, settings, sources)
    publish(lake, [stage], "run")
    return stage


def plan(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> list[DueTask]:
    """What `chain` would do, and why."""
    return list(plan_chain(walk(lake, chain, settings, sources)))


def step_of(chain: Chain, name: str) -> Step:
    """The step of that name."""
    return next(step for step in chain.steps if step.name == name)


def do_batch(lake: Lake, chain: Chain, name: str, payload: Any, subject: str = "batch") -> StepRecord:
    """The record of one batch of a step, on a payload of the test's own."""
    return do(lake, step_of(chain, name).task(Batch(subject, (repr(payload),), payload)))


def n_done(way: Walk) -> int:
    """Tasks that were done now; the others were reused."""
    return sum(not record.is_reused for records in way.records.values() for record in records)
