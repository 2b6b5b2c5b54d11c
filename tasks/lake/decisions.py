"""Lines of the ledger that a step writes about itself, beside the row counts that every stage writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from expectations.contracts.ops import LEDGER
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import current_task


def write_decisions(lake: Lake, lines: Iterable[Mapping[str, Any]]) -> tuple[FileRef, ...]:
    """A file of the ledger with these lines of the task that is being done, whose step and code version they get; none
    for no lines.

    A line has `subject`, `outcome` and `rule`, and whatever else the ledger has a column for; of a batch, unless it
    says otherwise.
    """
    task = current_task()
    own = {"subject_kind": "batch", "stage": task.step, "code_version": task.code_version}
    rows = [{**own, **line} for line in lines]
    return (write_table(lake, "ops.ledger", pa.Table.from_pylist(rows, schema=LEDGER.arrow_schema())),) if rows else ()


def write_skip(
    lake: Lake, subject: str, rule: str, *, score: float | None = None, threshold: float | None = None
) -> tuple[FileRef, ...]:
    """A ledger file that says nothing was done for the batch `subject`, and why: what was true of it, measured against
    what.
    """
    line = {"subject": subject, "outcome": "skipped", "rule": rule, "score": score, "threshold": threshold}
    return write_decisions(lake, [line])
