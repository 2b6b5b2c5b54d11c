"""What the sources of a stage gave: the vintages kept, and what could not be had, as the first step of the stage."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from expectations.contracts.ops import LEDGER
from tasks.intake.fetch import Fetched
from tasks.lake.files import canonical_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import VintageLog
from tasks.lake.steps import Step, StepOutput, Work
from tasks.transforms.records.quarantine import quarantine_table
from tasks.transforms.records.source_format import Source

STEP = Step("write_vintages", ("tasks.transforms.records.quarantine",))
STALE = "download_failed_last_vintage_used"


@dataclass(frozen=True)
class FetchedSource:
    """A source, and what it gave."""

    source: Source
    fetched: Fetched


def vintage_works(lake: Lake, fetched: Sequence[FetchedSource], subject: str) -> list[Work]:
    """The one step that writes down all that was fetched for a stage; `subject` names its sources."""
    inputs: list[str] = []
    for one in fetched:
        inputs += [_digest([one.source.name, item.uri, item.key]) for item in one.fetched.items]
        inputs += [_digest([fault.source, fault.uri, fault.rule, fault.message]) for fault in one.fetched.set_aside]
        inputs += [_digest([one.source.name, uri, STALE]) for uri in one.fetched.remarks]
        inputs += [_digest([one.source.name, *key]) for key in VintageLog.read(lake, one.source.name).first]
    return [Work(STEP, subject, tuple(sorted(set(inputs))), tuple(fetched))]


def vintages_body(lake: Lake, fetched: tuple[FetchedSource, ...]) -> StepOutput:
    """Write down every vintage of the sources, what could not be had, and where an older vintage was used. Rows are raw items."""
    faults = [fault for one in fetched for fault in one.fetched.set_aside]
    logs = [VintageLog.read(lake, one.source.name).table() for one in fetched]
    stale = [
        {
            "subject": f"{one.source.name}: {uri}", "subject_kind": "batch", "stage": STEP.name, "outcome": "kept", "rule": STALE,
            "code_version": STEP.code_version,
        }
        for one in fetched
        for uri in one.fetched.remarks
    ]  # fmt: skip
    files = [write_table(lake, "ops.vintages", pa.concat_tables(logs))] if logs else []
    if faults:
        files.append(write_table(lake, "ops.quarantine", quarantine_table(faults)))
    if stale:
        files.append(write_table(lake, "ops.ledger", pa.Table.from_pylist(stale, schema=LEDGER.arrow_schema())))
    n_items = sum(len(one.fetched) for one in fetched)
    return StepOutput(tuple(files), n_items + len(faults), n_items, dict(Counter(fault.rule for fault in faults)))


def _digest(value: list[str]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
