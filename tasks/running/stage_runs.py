"""What a flow does: the chains of its stage, one after another, from fetching sources to leaving the stage's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.intake.fetch import Fetched, fetch_source, fetch_undeclared
from tasks.intake.sources import load_sources
from tasks.intake.vintages import FetchedSource
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.running.artifacts import show_rows
from tasks.running.chains import do_chain
from tasks.running.engine import do_all
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import record_run
from tasks.running.stages import chains_of, flow_of, tables_of, walk_of
from tasks.transforms.records.source_format import Source


def run_stage(
    stage: str, home: str | None, *, sources: str | None = None, settings: Mapping[str, Any] | None = None
) -> StageRecord:
    """Do all that is due of a stage, and leave it; to be called inside its flow. `settings` are those of its chains, by
    subject.
    """
    lake = Lake.open(home_folder(home))
    with record_run(lake, flow_of(stage)):
        walks = []
        for chain in chains_of(stage):
            fetched = fetch_all(lake, sources, chain.kinds)
            walk = walk_of(lake, chain, fetched, (settings or {}).get(chain.subject))
            do_chain(walk, do_all)
            show_rows(chain.subject, [record for records in walk.records.values() for record in records])
            walk.show()
            walks.append(walk)
        return leave_stage(lake, stage, tables_of(stage), [record for walk in walks for record in walk.left()])


def fetch_all(lake: Lake, sources: str | None, kinds: Sequence[str]) -> list[FetchedSource]:
    """What all declared sources of some kinds have now, those behind URLs waited for together; and what is in force of
    those that are declared no more and were not retired.
    """
    if not kinds:
        return []
    declared = load_sources(sources_folder(sources))
    futures = [fetch.submit(str(lake.home), source) for source in declared if source.kind in kinds]
    found = [future.result() for future in futures]
    undeclared = fetch_undeclared(lake, {source.name for source in declared}, kinds)
    for source, fetched in undeclared:
        _tell(source, fetched)
    return [*found, *(FetchedSource(source, fetched) for source, fetched in undeclared)]


# In threads, where Prefect's time limits cannot act; downloads have limits of their own.
@task(task_run_name="fetch {source.name}", cache_policy=NO_CACHE)
def fetch(home: str, source: Source) -> FetchedSource:
    """What a source has now, kept in the lake; what cannot be had is logged here, and told in the quarantine by
    `write_vintages`.
    """
    fetched = fetch_source(Lake(Path(home)), source)
    _tell(source, fetched)
    return FetchedSource(source, fetched)


def _tell(source: Source, fetched: Fetched) -> None:
    for message in [one.message for one in fetched.set_aside] + [one.message for one in fetched.remarks.values()]:
        get_run_logger().warning("source %s: %s", source.name, message)
