"""Which fetch of a path is trusted, and which is in force: what the gate decided, as the steps after it read it.

A path is a uri without its `#member`. Of the trusted vintages of a path at most one is in force; what is not trusted is
read by no step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from expectations.contracts.ops import VINTAGES
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord


class Fetch(NamedTuple):
    """A vintage of a path of a source."""

    source: str
    path: str
    vintage: str


class Standing(NamedTuple):
    """What is known of a trusted fetch."""

    is_in_force: bool
    fetched_at: datetime


def fetch_of(standing: Mapping[Fetch, Standing], source: str, uri: str, vintage: str) -> Fetch | None:
    """The fetch that `uri`, a path or a member below it, comes from; None where none that is trusted is."""
    parts = uri.split("#")
    for n_parts in range(len(parts), 0, -1):  # the names of files and of members may hold a # themselves
        fetch = Fetch(source, "#".join(parts[:n_parts]), vintage)
        if fetch in standing:
            return fetch
    return None


def read_standing(
    lake: Lake, records: Sequence[StepRecord], sources: Sequence[FetchedSource]
) -> Mapping[Fetch, Standing]:
    """What the records of the step `write_vintages` say of each fetch that is trusted, as far as its place is one of
    `sources` still: what they have now, or what is in force there.
    """
    names = {one.source.name for one in sources}
    files = [ref for record in records for ref in record.files_of(VINTAGES.qualified_name)]
    rows = read_table(lake, files).to_pylist() if files else []
    present = {(row["source"], row["uri"]) for row in rows if row["is_in_force"]}
    return {
        Fetch(row["source"], row["uri"], row["vintage"]): Standing(bool(row["is_in_force"]), row["fetched_at"])
        for row in rows
        if row["is_trusted"] and row["source"] in names and (row["source"], row["uri"]) in present
    }
