"""The stage `mobility`: reports and policy files fetched, parsed, merged by vintage and joined; every row in is out or set aside by a rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.intake.fetch import fetch_source
from tasks.intake.vintages import FetchedSource, vintage_works, vintages_body
from tasks.lake.layout import Lake
from tasks.lake.steps import PlannedWork, StepRecord, Work, do, find_records, plan_due, plan_hanging
from tasks.mobility import merging as mobility_merging
from tasks.mobility import parsing as mobility_parsing
from tasks.mobility import policy
from tasks.running.artifacts import show_table
from tasks.transforms.records.source_format import Source

STAGE, SUBJECT = "mobility", "all sources of mobility and policy"
# Our choice, against what hangs: a batch takes seconds, the world's largest file a minute. Downloads have limits of their own, and
# Prefect could not interrupt the thread that they run in.
STEP_SECONDS = 4 * 3600


@task(task_run_name="fetch {source.name}", cache_policy=NO_CACHE)
def fetch_observations(home: str, source: Source) -> FetchedSource:
    """What a source has now, kept in the lake; what cannot be had is logged here, and told in the quarantine by `write_vintages`."""
    fetched = fetch_source(Lake(Path(home)), source)
    for message in (*(fault.message for fault in fetched.set_aside), *fetched.remarks.values()):
        get_run_logger().warning("source %s: %s", source.name, message)
    return FetchedSource(source, fetched)


@task(task_run_name="write_vintages {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_vintages(home: str, work: Work) -> StepRecord:
    """The record of what was fetched."""
    return do(Lake(Path(home)), work, vintages_body)


@task(task_run_name="parse_mobility {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def parse_mobility(home: str, work: Work) -> StepRecord:
    """The record of a batch of reports, parsed."""
    return do(Lake(Path(home)), work, mobility_parsing.parse_body)


@task(task_run_name="write_mobility {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_mobility(home: str, work: Work) -> StepRecord:
    """The record of a part of `mobility`."""
    return do(Lake(Path(home)), work, mobility_merging.merge_body)


@task(task_run_name="parse_policy {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def parse_policy(home: str, work: Work) -> StepRecord:
    """The record of a batch of the tracker's files, parsed."""
    return do(Lake(Path(home)), work, policy.parse_body)


@task(task_run_name="write_policy {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_policy(home: str, work: Work) -> StepRecord:
    """The record of `policy`."""
    return do(Lake(Path(home)), work, policy.merge_body)


@task(task_run_name="write_mobility_policy {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_mobility_policy(home: str, work: Work) -> StepRecord:
    """The record of `mobility_policy`."""
    return do(Lake(Path(home)), work, policy.join_body)


def fetch_all(lake: Lake, sources: Sequence[Source]) -> list[FetchedSource]:
    """What all sources of mobility and policy have now; those behind URLs are waited for together. To be called inside a flow."""
    futures = [fetch_observations.submit(str(lake.home), source) for source in _observed(sources)]
    return [future.result() for future in futures]


def mobility_works(fetched: Sequence[FetchedSource]) -> list[Work]:
    """The batches of reports of all sources."""
    return [
        work
        for one in fetched
        if one.source.kind == "mobility"
        for work in mobility_parsing.parse_works(one.source.name, one.fetched.items)
    ]


def policy_works(fetched: Sequence[FetchedSource]) -> list[Work]:
    """The batches of the tracker's files of all sources."""
    return [
        work
        for one in fetched
        if one.source.kind == "policy"
        for work in policy.parse_works(one.source.name, one.fetched.items)
    ]


def plan_mobility(lake: Lake, sources: Sequence[Source]) -> list[PlannedWork]:
    """What `ingest_mobility` would do and why. Looks at the sources as they stand now, URLs included, and keeps nothing."""
    fetched = [FetchedSource(source, fetch_source(lake, source, keep=False)) for source in _observed(sources)]
    lines = plan_due(lake, STAGE, vintage_works(lake, fetched, SUBJECT))
    reports, merged = _plan_pair(
        lake, mobility_works(fetched), lambda parsed: mobility_merging.merge_works(lake, parsed), "mobility"
    )
    files, ruled = _plan_pair(lake, policy_works(fetched), policy.merge_works, "policy")
    lines += [*reports, *files]
    if merged is None or ruled is None:
        hangs_on = "write_mobility" if merged is None else "write_policy"
        return [*lines, *plan_hanging(STAGE, hangs_on, policy.JOIN.name)]
    return [*lines, *plan_due(lake, STAGE, policy.join_works(merged, ruled))]


def _plan_pair(
    lake: Lake, works: Sequence[Work], merge_works: Any, kind: str
) -> tuple[list[PlannedWork], list[StepRecord] | None]:
    """What is due of the parsing and the merging of one kind, and the standing records of its merging, None where some are due."""
    lines = plan_due(lake, STAGE, works)
    parsed = find_records(lake, works)
    if len(parsed) < len(works):
        return [*lines, *plan_hanging(STAGE, f"parse_{kind}", f"write_{kind}")], None
    merges = merge_works(parsed)
    merged = find_records(lake, merges)
    return [*lines, *plan_due(lake, STAGE, merges)], merged if len(merged) == len(merges) else None


def show_mobility(fetched: Sequence[FetchedSource], parsed: Sequence[StepRecord], merged: Sequence[StepRecord]) -> None:
    """Show in the UI, by source, the rows that went in, came out, and were set aside by which rule; then the same of the merging."""
    rows = []
    for one in fetched:
        of_source = [record for record in parsed if record.subject.startswith(f"{one.source.name}: ")]
        set_aside = Counter(fault.rule for fault in one.fetched.set_aside)
        for record in of_source:
            set_aside.update(record.set_aside)
        rows.append(_row(one.source.name, one.source.kind, len(one.fetched), of_source, set_aside))
    for step in dict.fromkeys(record.step for record in merged):
        of_step = [record for record in merged if record.step == step]
        set_aside = Counter()
        for record in of_step:
            set_aside.update(record.set_aside)
        rows.append(_row("all", step, None, of_step, set_aside))
    show_table(
        "mobility",
        rows,
        "Rows in = rows out + set aside, by rule: region-days as parsed by source, then values as merged by vintage",
    )


def _row(
    source: str, what: str, n_items: int | None, records: Sequence[StepRecord], set_aside: Counter[str]
) -> dict[str, Any]:
    return {
        "source": source, "kind": what, "raw items": n_items, "rows in": sum(record.n_rows_in for record in records),
        "rows out": sum(record.n_rows_out for record in records),
        "set aside": ", ".join(f"{rule}: {n}" for rule, n in sorted(set_aside.items())),
    }  # fmt: skip


def _observed(sources: Sequence[Source]) -> list[Source]:
    return [source for source in sources if source.kind in {"mobility", "policy"}]
