"""What people see of a run in the Prefect UI: tables made of what the steps left. Outside a run nothing is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord


def show_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Show `rows` under `key` (lower case, digits, dashes) in the UI of the run that calls; nothing outside a run or without rows."""
    if FlowRunContext.get() is not None and rows:
        create_table_artifact(rows, key=key, description=description)


def show_scores(lake: Lake, stage: str, records: Sequence[StepRecord]) -> None:
    """Show the scores of the models that the steps of `stage` left, beside their baselines."""
    files = [ref for record in records for ref in record.files_of("scores")]
    if files:
        show_table(
            f"scores-{stage}",
            read_table(lake, files).to_pylist(),
            f"Scores of the stage {stage}, beside their baselines",
        )


def show_rows(stage: str, records: Sequence[StepRecord]) -> None:
    """Show for every step of `stage` how many rows went in, came out and were set aside, by rule."""
    rows = [
        {
            "step": record.step, "batch": record.subject, "rows in": record.n_rows_in, "rows out": record.n_rows_out,
            "set aside": ", ".join(f"{rule}: {n}" for rule, n in sorted(record.set_aside.items())), "seconds": record.seconds,
            "done": "before" if record.was_standing else "now",
        }
        for record in records
    ]  # fmt: skip
    show_table(f"rows-{stage}", rows, f"Rows in = rows out + rows set aside, for every batch of the stage {stage}")
