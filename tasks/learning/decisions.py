"""Lines of the ledger that a step writes about itself, beside the row counts that every stage writes."""

from __future__ import annotations

import pyarrow as pa

from expectations.contracts.ops import LEDGER
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step


def write_skip(
    lake: Lake, step: Step, subject: str, rule: str, *, score: float | None = None, threshold: float | None = None
) -> FileRef:
    """A ledger file that says `step` did nothing for the batch `subject`, and why: what was true of it, measured against what."""
    line = {
        "subject": subject, "subject_kind": "batch", "stage": step.name, "outcome": "skipped", "rule": rule, "score": score,
        "threshold": threshold, "code_version": step.code_version,
    }  # fmt: skip
    return write_table(lake, "ops.ledger", pa.Table.from_pylist([line], schema=LEDGER.arrow_schema()))
