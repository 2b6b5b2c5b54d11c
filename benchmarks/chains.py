"""Chains of the pipeline done here and now, without Prefect, for what is measured on what they leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.intake.fetch import fetch_source
from tasks.intake.sources import load_sources
from tasks.intake.vintages import FetchedSource
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import StepRecord, do
from tasks.mobility.stage import CHAIN as MOBILITY
from tasks.running.chains import Chain, Walk, do_chain
from tasks.running.stages import walk_of
from tasks.transforms.records.source_format import Source


def run_chain(lake: Lake, chain: Chain, settings: Any = None, sources: Sequence[Source] = ()) -> Walk:
    """All steps of `chain`, on the sources of its kinds; the walk's `records` hold what was done, by step."""
    fetched = [FetchedSource(source, fetch_source(lake, source)) for source in sources if source.kind in chain.kinds]
    walk = walk_of(lake, chain, fetched, settings)
    do_chain(walk, lambda lake, _, tasks: [do(lake, task) for task in tasks])
    return walk


def run_step(lake: Lake, chain: Chain, settings: Any = None) -> StepRecord:
    """The record of the one task of the first step of `chain`, the steps behind it left undone."""
    (task,) = walk_of(lake, chain, settings=settings).tasks(chain.steps[0])
    return do(lake, task)


def publish_observations(lake: Lake, places: Sequence[Path]) -> None:
    """Publish the mobility and policy of the sources at `places`, files or folders."""
    walk = run_chain(lake, MOBILITY, sources=[source for place in places for source in sources_at(place)])
    publish(lake, [leave_stage(lake, MOBILITY.stage, MOBILITY.tables, walk.left())], "benchmark")


def sources_at(place: Path) -> list[Source]:
    """The sources declared in a file or a folder."""
    found = load_sources(place if place.is_dir() else place.parent)
    return [source for source in found if place.is_dir() or source.name == place.stem]
