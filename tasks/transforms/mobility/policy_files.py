"""One file of the policy tracker, of either shape: its rows, or a refusal that says which schema it is; and on which
lines its rows stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import BinaryIO

from tasks.transforms.mobility.policy_long import read_long_file
from tasks.transforms.mobility.policy_rows import PolicyRows
from tasks.transforms.mobility.policy_tracker import (
    EPOCH,
    Jurisdiction,
    field_key,
    index_of_file,
    is_wide_day,
    jurisdiction_of,
    read_policy_day,
)
from tasks.transforms.mobility.policy_wide import id_places, read_wide_file
from tasks.transforms.records.delimited import (
    Columns,
    RefusedFileError,
    header_fields,
    line_fault,
    read_header_line,
    split_fields,
    whole_lines,
)


def read_policy_file(stream: BinaryIO, name: str, latest: date) -> PolicyRows:
    """The rows of a tracker's file called `name`, fetched on the day `latest`.

    RefusedFileError where the file is empty, no text, of another schema (the list of policy changes), or lacks a
    column.
    """
    names, delimiter = _read_header(stream)
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
        columns = Columns(names, {}, delimiter=delimiter)
        return read_wide_file(stream, columns, index_of_file(name, columns.names), latest)
    raise RefusedFileError(
        "column_missing",
        "neither the column Date nor a column a day (as 01Jan2020) is there",
        "declare a file of the tracker's indices",
    )


def lines_of_jurisdictions(stream: BinaryIO, latest: date) -> Iterator[tuple[int, str, date | None]]:
    """Line, from 1, and region_id of each line of a file that can be read; its day, None in a wide file, which has all
    days on a line.
    """
    names, delimiter = _read_header(stream)
    columns = Columns(names, {}, delimiter=delimiter)
    lines = [
        (number, split_fields(line.decode().rstrip("\r"), delimiter))
        for number, line in enumerate(b"".join(whole_lines(stream)).split(b"\n"), 2)
        if line_fault(line, columns) is None
    ]
    keys = [field_key(one) for one in names]
    day_place = keys.index("date") if "date" in keys else None
    fields_of = [[field.strip() for field in fields] for _, fields in lines]
    places = id_places(names, fields_of)
    for (number, _), fields in zip(lines, fields_of, strict=True):
        found = jurisdiction_of(*(fields[place] if place is not None else "" for place in places))
        if isinstance(found, Jurisdiction):
            days = None if day_place is None else read_policy_day(fields[day_place], latest)
            if days is None:
                yield number, found.region_id, None
            elif not days[1]:
                yield number, found.region_id, EPOCH + timedelta(days=days[0])


def _read_header(stream: BinaryIO) -> tuple[tuple[str, ...], str]:
    """The names of a file's columns, and its delimiter."""
    line = read_header_line(stream)
    delimiter = "\t" if line.count("\t") > line.count(",") else ","
    return _distinct(header_fields(line, delimiter)), delimiter


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Header names, numbered where one stands twice or is empty (older wide files name no identifying column)."""
    n_of = Counter(names)
    return tuple(one if one and n_of[one] == 1 else f"{one}#{place + 1}" for place, one in enumerate(names))
