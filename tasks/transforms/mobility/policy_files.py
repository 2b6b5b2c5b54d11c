"""One file of the policy tracker, of either shape: its rows, or a refusal that says which schema it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import BinaryIO

from tasks.transforms.mobility.policy_long import read_long_file
from tasks.transforms.mobility.policy_rows import PolicyRows
from tasks.transforms.mobility.policy_tracker import field_key, index_of_file, is_wide_day
from tasks.transforms.mobility.policy_wide import read_wide_file
from tasks.transforms.records.delimited import Columns, RefusedFileError, header_fields, read_header_line


def read_policy_file(stream: BinaryIO, name: str, latest: date) -> PolicyRows:
    """The rows of a tracker's file called `name`, fetched on the day `latest`.

    RefusedFileError where the file is empty, no text, of another schema (the list of policy changes), or lacks a
    column.
    """
    line = read_header_line(stream)
    delimiter = "\t" if line.count("\t") > line.count(",") else ","
    names = _distinct(header_fields(line, delimiter))
    keys = {field_key(one) for one in names}
    if {"policytype", "startdate"} <= keys:
        raise RefusedFileError(
            "schema_of_policy_changes",
            "this is the tracker's list of policy changes",
            "declare its file of indices instead",
        )
    if "date" in keys:
        return read_long_file(stream, names, delimiter, latest)
    if any(is_wide_day(one) for one in names):
        return read_wide_file(stream, Columns(names, {}, delimiter=delimiter), index_of_file(name), latest)
    raise RefusedFileError(
        "column_missing",
        "neither the column Date nor a column a day (as 01Jan2020) is there",
        "declare a file of the tracker's indices",
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Header names, numbered where one stands twice or is empty (older wide files name no identifying column)."""
    n_of = Counter(names)
    return tuple(one if one and n_of[one] == 1 else f"{one}#{place + 1}" for place, one in enumerate(names))
