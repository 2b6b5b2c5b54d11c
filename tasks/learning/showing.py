"""What every learner shows in the UI: which model is published and why, and its scores."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.champions import verdict_rows
from tasks.running.artifacts import show_table


def show_champions(lake: Lake, subject: str, judged: Sequence[StepRecord]) -> None:
    """Show for every judgement of a learner which model is published, and what that rests on, in the UI of the run that
    calls.
    """
    rows = verdict_rows(lake, judged)
    words = "New models beside the champions that were published: which is published now, and why"
    show_table(f"champions-{subject}", rows, words)


def show_scores(lake: Lake, subject: str, records: Sequence[StepRecord]) -> None:
    """Show the scores of a learner's published models, beside their baselines."""
    files = [ref for record in records for ref in record.files_of("scores")]
    rows = read_table(lake, files).to_pylist() if files else []
    show_table(f"scores-{subject}", rows, f"Scores of {subject}, beside their baselines")
