"""What the UI shows of every fetch of a stage's sources: what the gate said of it, and what is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expectations.contracts.ops import VINTAGES
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.running.artifacts import show_table

SHOWN = ("source", "uri", "vintage", "fetched_at", "verdict", "rule", "message", "trouble", "trouble_since")
MOST = 500  # places of a large archive of documents are no table for people: those that need a look come first


def show_fetches(*, lake: Lake, write_vintages: Sequence[StepRecord]) -> None:
    """Show what the places of the sources offer and what is in force there; first those that need a look."""
    rows = present_fetches(lake, write_vintages)[:MOST]
    show_table("fetches", rows, "Every fetch: the gate's verdict, what is in force")


def present_fetches(lake: Lake, write_vintages: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """What is in force or offered, as texts: first what lives on an old vintage, then what the gate spoke of."""
    files = [ref for record in write_vintages for ref in record.files_of(VINTAGES.qualified_name)]
    rows = read_table(lake, files).to_pylist() if files else []
    present = [row for row in rows if row["is_in_force"] or row["is_offered"]]
    present.sort(key=lambda row: (row["trouble"] is None, row["verdict"] == "accepted", row["source"], row["uri"]))
    return [_shown(row) for row in present]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: None if row[name] is None else str(row[name]) for name in SHOWN}
    return {**shown, "in force": "yes" if row["is_in_force"] else "no"}
