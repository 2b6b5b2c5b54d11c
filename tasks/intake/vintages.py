"""What the sources of a stage gave: the vintages kept, and what could not be had, as the first step of the stage."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from tasks.intake.fetch import Fetched
from tasks.lake.decisions import write_decisions
from tasks.lake.files import canonical_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import VintageLog
from tasks.lake.steps import Batch, Step, StepOutput
from tasks.transforms.records.quarantine import quarantine_table
from tasks.transforms.records.source_format import Source

STALE = "download_failed_last_vintage_used"


@dataclass(frozen=True)
class FetchedSource:
    """A source, and what it gave."""

    source: Source
    fetched: Fetched


def noting(subject: str) -> Step:
    """The step that writes down all that was fetched for a stage; `subject` names its sources."""
    leaves = ("ops.vintages", "ops.quarantine")
    return Step("write_vintages", write_vintages, partial(vintage_batches, subject), leaves=leaves)


def vintage_batches(subject: str, lake: Lake, sources: Sequence[FetchedSource]) -> list[Batch]:
    """The one batch of all sources."""
    inputs: list[str] = []
    for one in sources:
        inputs += [_digest([one.source.name, item.uri, item.key]) for item in one.fetched.items]
        inputs += [_digest([fault.source, fault.uri, fault.rule, fault.message]) for fault in one.fetched.set_aside]
        inputs += [_digest([one.source.name, uri, STALE]) for uri in one.fetched.remarks]
        inputs += [_digest([one.source.name, *key]) for key in VintageLog.read(lake, one.source.name).first]
    return [Batch(subject, tuple(sorted(set(inputs))), tuple(sources))]


def write_vintages(lake: Lake, fetched: tuple[FetchedSource, ...]) -> StepOutput:
    """Write down every vintage of the sources, what could not be had, and where an older vintage was used. Rows are raw
    items.
    """
    faults = [fault for one in fetched for fault in one.fetched.set_aside]
    logs = [VintageLog.read(lake, one.source.name).table() for one in fetched]
    stale = [
        {"subject": f"{one.source.name}: {uri}", "outcome": "kept", "rule": STALE}
        for one in fetched
        for uri in one.fetched.remarks
    ]
    files = [write_table(lake, "ops.vintages", pa.concat_tables(logs))] if logs else []
    if faults:
        files.append(write_table(lake, "ops.quarantine", quarantine_table(faults)))
    n_items = sum(len(one.fetched) for one in fetched)
    set_aside = dict(Counter(fault.rule for fault in faults))
    return StepOutput((*files, *write_decisions(lake, stale)), n_items + len(faults), n_items, set_aside)


def _digest(value: list[str]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
