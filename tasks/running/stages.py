"""Every stage there is, found by its chains, and what follows from them: the order of a whole run, and the plan.

A room of `tasks/` that has a module `stage` takes part: its `CHAIN` says the rest. Nothing else lists stages.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Collection, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from tasks.intake.fetch import fetch_source, fetch_undeclared
from tasks.intake.vintages import FetchedSource
from tasks.lake.layout import Lake
from tasks.running.chains import Chain, DueTask, Walk, plan_chain
from tasks.transforms.records.source_format import Source

ROOMS = Path(__file__).parents[1]
PUBLISH = "publish"


@functools.cache
def all_chains() -> Mapping[str, Chain]:
    """Every chain by its subject, in the order of a whole run. ValueError where two share a subject, or a stage has two
    flows.
    """
    found: dict[str, Chain] = {}
    for path in sorted(ROOMS.glob("*/stage.py")):
        chain: Chain = importlib.import_module(f"tasks.{path.parent.name}.stage").CHAIN
        if chain.subject in found or any(one.stage == chain.stage and one.flow != chain.flow for one in found.values()):
            raise ValueError(
                f"{path}: another chain is called {chain.subject}, or leaves {chain.stage} by another flow"
            )
        found[chain.subject] = chain
    order = stage_order(found)
    return dict(sorted(found.items(), key=lambda one: (order.index(one[1].stage), one[0])))


def chains_of(stage: str) -> list[Chain]:
    """The chains of a stage, by subject."""
    return [chain for chain in all_chains().values() if chain.stage == stage]


def all_stages() -> tuple[str, ...]:
    """The names of all stages, in the order of a whole run."""
    return tuple(dict.fromkeys(chain.stage for chain in all_chains().values()))


def tables_of(stage: str) -> tuple[str, ...]:
    """The published tables that a stage fills, the ledger left out."""
    return tuple(dict.fromkeys(table for chain in chains_of(stage) for table in chain.tables))


def takes_sources(stage: str) -> bool:
    """Whether declared sources are taken in by a stage."""
    return any(chain.kinds for chain in chains_of(stage))


def flow_of(stage: str) -> str:
    """The name of the flow that leaves a stage. ValueError where there is no such stage."""
    if stage not in all_stages():
        raise ValueError(f"there is no stage called {stage!r}: give one of {', '.join(all_stages())}")
    return chains_of(stage)[0].flow


def walk_of(lake: Lake, chain: Chain, sources: Sequence[FetchedSource] = (), settings: object = None) -> Walk:
    """A walk along `chain`, with its default settings unless others are given."""
    stages = {one.subject: one.stage for one in all_chains().values()}
    return Walk(lake, chain, stages, chain.settings if settings is None else settings, sources)


def stage_order(chains: Mapping[str, Chain]) -> list[str]:
    """The stages, each behind those that it reads from; by name where that leaves a choice. graphlib.CycleError where
    nothing can be first.
    """
    graph: dict[str, set[str]] = {chain.stage: set() for chain in chains.values()}
    for chain in chains.values():
        graph[chain.stage] |= {chains[subject].stage for subject in _read_from(chain, chains)} - {chain.stage}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        for stage in sorted(sorter.get_ready()):
            order.append(stage)
            sorter.done(stage)
    return order


def refresh_order(chains: Mapping[str, Chain]) -> list[str]:
    """The stages of a whole run in order, with `publish` wherever a stage reads as published what was left since the
    last publish.

    Before a publish, stages that read what was just left without waiting for the publish are brought up to date, so
    that what is published fits together; where something that they read comes later, they come again.
    """
    order = stage_order(chains)
    of_stage = {stage: [chain for chain in chains.values() if chain.stage == stage] for stage in order}
    left = {stage: {table for chain in of_stage[stage] for table in chain.tables} for stage in order}
    run: list[str] = []
    fresh: set[str] = set()  # stages run since the last publish
    for stage in order:
        published = {table for chain in of_stage[stage] for table in chain.published}
        if any(published & left[one] for one in fresh):
            for other in order:
                is_direct = not any(chain.published for chain in of_stage[other])
                reads = {
                    chains[subject].stage for chain in of_stage[other] for subject in chain.left if subject in chains
                }
                if is_direct and reads & fresh and other not in fresh:
                    run.append(other)
            run.append(PUBLISH)
            fresh.clear()
        run.append(stage)
        fresh.add(stage)
    return [*run, PUBLISH]


def make_plan(
    lake: Lake, sources: Sequence[Source], unpublished: Collection[str], only: str | None = None
) -> list[DueTask]:
    """All that is due, in the order in which a run would do it; empty where nothing changed. Looks at the sources as
    they stand now, URLs included, and keeps nothing. `unpublished` are the stages whose present output no snapshot
    shows.

    With `only`, that stage and the publish. Where a chain reads what is itself due, one line says for what it waits,
    because whether it will be due cannot be known before.
    """
    chains = all_chains()
    lines: list[DueTask] = []
    due: set[str] = set()
    for chain in chains.values() if only is None else chains_of(only):
        waiting = [] if only else [subject for subject in _read_from(chain, chains) if subject in due]
        if (
            not waiting
            and not only
            and any(chains[one].stage in unpublished for one in _read_as_published(chain, chains))
        ):
            waiting = [PUBLISH]
        if waiting:
            of_chain = [DueTask(chain.stage, "all", chain.subject, f"waiting for {', '.join(waiting)}")]
        else:
            fetched = _look_at(lake, sources, chain.kinds)
            of_chain = list(plan_chain(walk_of(lake, chain, fetched)))
        if of_chain:
            due.add(chain.subject)
        lines += of_chain
    if lines:
        stages = ", ".join(dict.fromkeys(line.stage for line in lines))
        return [*lines, DueTask(PUBLISH, PUBLISH, "all", f"waiting for {stages}")]
    return [DueTask(PUBLISH, PUBLISH, stage, "not published yet") for stage in all_stages() if stage in unpublished]


def _look_at(lake: Lake, sources: Sequence[Source], kinds: Collection[str]) -> list[FetchedSource]:
    """What a run would find of the sources of some kinds; nothing is kept."""
    found = [(one, fetch_source(lake, one, keep=False)) for one in sources if one.kind in kinds]
    if kinds:
        found += fetch_undeclared(lake, {source.name for source in sources}, kinds, keep=False)
    return [FetchedSource(source, fetched) for source, fetched in found]


def _read_from(chain: Chain, chains: Mapping[str, Chain]) -> list[str]:
    """The other chains whose output a chain reads, as it was left or as it is published."""
    found = {*chain.left & chains.keys(), *_read_as_published(chain, chains)}
    return sorted(found - {chain.subject})


def _read_as_published(chain: Chain, chains: Mapping[str, Chain]) -> list[str]:
    return [subject for subject, other in chains.items() if chain.published & set(other.tables)]
