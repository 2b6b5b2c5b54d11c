"""Long files of the policy tracker: every line a jurisdiction and a day, among its columns the indices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.transforms.mobility.policy_rows import GatheredRows, PolicyRows
from tasks.transforms.mobility.policy_tracker import (
    ID_FIELDS,
    NOT_PUBLISHED,
    Fault,
    Jurisdiction,
    date_fault,
    field_key,
    index_columns,
    jurisdiction_of,
    read_policy_day,
    value_fault,
)
from tasks.transforms.records.combinations import distinct_combinations
from tasks.transforms.records.delimited import BrokenLine, Columns, RefusedFileError, read_block, whole_lines


def read_long_file(stream: BinaryIO, names: tuple[str, ...], delimiter: str, latest: date) -> PolicyRows:
    """The rows of a long file with these header names; `stream` stands after the header.

    RefusedFileError where the country code or every index is missing.
    """
    by_key = {field_key(one): one for one in reversed(names)}
    value_columns = index_columns(names)
    if "countrycode" not in by_key or not value_columns:
        missing = "CountryCode" if "countrycode" not in by_key else "StringencyIndex"
        raise RefusedFileError(
            "column_missing", f"the column {missing} is missing", "add it, or declare a file of the tracker's indices"
        )
    text = pa.dictionary(pa.int32(), pa.string())
    types = {by_key[key]: text for key in (*ID_FIELDS, "date") if key in by_key} | dict.fromkeys(
        value_columns.values(), pa.float64()
    )
    quantities = {name: index for index, name in value_columns.items()}
    columns = Columns(names, types, quantities, delimiter, NOT_PUBLISHED)
    gathered, parts, first_line = GatheredRows(), [], 2
    for content in whole_lines(stream):
        block = read_block(content, first_line, columns)
        first_line += block.n_lines
        gathered.n_rows_in += len(block.broken) + block.rows.num_rows
        for broken in block.broken:
            gathered.drop(broken.as_row(columns))
        if not block.rows.num_rows:
            continue
        encoded = {key: block.rows[by_key[key]].chunk(0) if key in by_key else None for key in (*ID_FIELDS, "date")}
        groups, texts = distinct_combinations([encoded[key] for key in ID_FIELDS])
        found = [jurisdiction_of(*(one or "" for one in combination)) for combination in texts]
        day_groups, day_texts = distinct_combinations([encoded["date"]])
        days = [read_policy_day(one or "", latest) for (one,) in day_texts]
        values = np.column_stack([block.rows[name].to_numpy() for name in value_columns.values()])
        faults = _value_faults(block.rows, value_columns)
        bad_days = {
            group: date_fault(rule, day_texts[group][0] or "", latest) for group, (_, rule) in enumerate(days) if rule
        }
        faults |= {int(row): bad_days[day_groups[row]] for row in np.flatnonzero(np.isin(day_groups, list(bad_days)))}
        bad_places = {group: one for group, one in enumerate(found) if not isinstance(one, Jurisdiction)}
        faults |= {int(row): bad_places[groups[row]] for row in np.flatnonzero(np.isin(groups, list(bad_places)))}
        for row in sorted(faults):
            rule, message = faults[row]
            gathered.drop(BrokenLine(int(block.line_numbers[row]), rule, message, block.text(row)).as_row(columns))
        is_kept = np.ones(block.rows.num_rows, np.bool_)
        is_kept[list(faults)] = False
        places = np.array([gathered.place(one) if isinstance(one, Jurisdiction) else -1 for one in found], np.int64)
        parts.append(
            (
                places[groups][is_kept],
                np.array([day for day, _ in days], np.int64)[day_groups][is_kept],
                values[is_kept],
            )
        )
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, len(value_columns))))
    series, days_kept, values_kept = (np.concatenate(part) for part in zip(empty, *parts, strict=True))
    return gathered.rows(tuple(value_columns), series, days_kept, values_kept)


def _value_faults(rows: pa.Table, value_columns: Mapping[str, str]) -> dict[int, Fault]:
    """Rows of a long file with a value that cannot be."""
    faults: dict[int, Fault] = {}
    for index, name in value_columns.items():
        numbers = pc.fill_null(rows[name], 0.0).to_numpy()
        for row in np.flatnonzero(~((numbers >= 0) & (numbers <= 100))):  # noqa: PLR2004  # value_fault tells the bound
            fault = value_fault(index, float(numbers[row]), str(numbers[row]))
            if fault is not None:
                faults[int(row)] = fault
    return faults
