"""What people see of a run in the Prefect UI: tables made of what the steps left. Outside a run nothing is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from tasks.lake.steps import StepRecord


def artifact_key(text: str) -> str:
    """`text` in lower case, digits and dashes: what a key of an artifact may hold."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())


def show_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Show `rows` under `key` (lower case, digits, dashes) in the UI of the run that calls; nothing outside a run or
    without rows.
    """
    if FlowRunContext.get() is not None and rows:
        create_table_artifact(rows, key=key, description=description)


def show_rows(subject: str, records: Sequence[StepRecord]) -> None:
    """Show for every batch of a chain how many rows went in, came out and were set aside, by rule."""
    rows = [
        {
            "step": record.step,
            "batch": record.subject,
            "rows in": record.n_rows_in,
            "rows out": record.n_rows_out,
            "set aside": counted_rules(record.set_aside),
            "seconds": record.seconds,
            "done": "before" if record.is_reused else "now",
        }
        for record in records
    ]
    show_table(f"rows-{subject}", rows, f"Rows in = rows out + rows set aside, for every batch of {subject}")


def counted_rules(set_aside: Mapping[str, int]) -> str:
    """Rows set aside in one cell: each rule with its number, by name."""
    return ", ".join(f"{rule}: {n}" for rule, n in sorted(set_aside.items()))
