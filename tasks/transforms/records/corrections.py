"""Repairs of source data, which are data themselves: where, what was, what becomes of it, why, who says so, how many
rows.

A correction only does what it was written for: `was` says what the source had when it was written, and `n_rows` how
many rows. Where rows are there but no longer so, the source was repaired or changed, and the correction fails instead
of spoiling what is right now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from expectations.contracts.tables import TABLES
from expectations.table_contract import Column

RANGE_KEYS = {"from", "to"}


class CorrectionError(Exception):
    """A correction that cannot be read, or that no longer fits its source; the message names it and what to do."""


@dataclass(frozen=True)
class Correction:
    """One correction. `where` maps columns to a value, a list of values, or an inclusive range `{from, to}`; None
    stands for NULL.

    `was` holds what the rows found there have; `becomes` what they get.
    """

    name: str
    table: str
    where: Mapping[str, Any]
    was: Mapping[str, Any]
    becomes: Mapping[str, Any]
    reason: str
    authority: str
    n_rows: int


@dataclass(frozen=True)
class Corrected:
    """Rows after a correction, in order: `n_found` lie where it says, and `n_corrected` of them were as it says."""

    rows: pa.Table
    n_found: int
    n_corrected: int


def parse_correction(text: str, file_name: str) -> Correction:
    """The correction in a YAML file. CorrectionError where it is not whole or does not fit the table's contract."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CorrectionError(
            f"{file_name} is not readable as YAML ({' '.join(str(error).split())}): mend it"
        ) from error
    known = [field.name for field in fields(Correction)]
    if not isinstance(given, dict) or set(given) != set(known):
        raise CorrectionError(f"{file_name}: a correction has exactly the keys {', '.join(known)}")
    correction = Correction(**given)
    _check_values(correction, file_name)
    return correction


def apply_correction(correction: Correction, rows: pa.Table) -> Corrected:
    """`rows` (with the contract's columns, of which it needs those that the correction names) with the correction in
    them.

    A part of a table may be given; `check_corrected` wants the sums over all parts. `rows` is not changed.
    """
    contract = TABLES[correction.table]
    is_found = pa.chunked_array([pa.array([True] * rows.num_rows, pa.bool_())])
    for name, wanted in correction.where.items():
        is_found = pc.and_(is_found, _is_there(rows[name], contract.column(name), wanted))
    is_so = is_found
    for name, value in correction.was.items():
        is_so = pc.and_(is_so, _is_there(rows[name], contract.column(name), value))
    for name, value in correction.becomes.items():
        place = rows.schema.get_field_index(name)
        becomes = pc.if_else(is_so, pa.scalar(value, contract.column(name).type), rows[name])
        rows = rows.set_column(place, rows.schema.field(place), becomes)
    return Corrected(rows, pc.sum(is_found).as_py() or 0, pc.sum(is_so).as_py() or 0)


def check_corrected(correction: Correction, n_found: int, n_corrected: int) -> None:
    """CorrectionError unless the correction did what it was written for, or its rows are in no source of this home."""
    if n_found and not n_found == n_corrected == correction.n_rows:
        raise CorrectionError(
            f"the correction {correction.name} expects {correction.n_rows} rows with {dict(correction.was)}, but of"
            f" {n_found} rows there {n_corrected} are so: if the source has been repaired remove the correction,"
            " otherwise narrow it"
        )


def _check_values(correction: Correction, file_name: str) -> None:
    if correction.table not in TABLES or TABLES[correction.table].schema != "main":
        raise CorrectionError(f"{file_name}: there is no table {correction.table!r} to correct")
    contract = TABLES[correction.table]
    known = {column.name for column in contract.columns}
    for part in ("where", "was", "becomes"):
        values = getattr(correction, part)
        if not isinstance(values, dict) or not values:
            raise CorrectionError(f"{file_name}: {part} maps columns to values, one at least")
        for name, value in values.items():
            if name not in known:
                raise CorrectionError(f"{file_name}: {part} names {name!r}, which is no column of {correction.table}")
            for single in _singles(value) if part == "where" else [value]:
                _check_type(single, contract.column(name), f"{file_name}: {part}.{name}")
    if set(correction.becomes) & set(contract.key):
        raise CorrectionError(
            f"{file_name}: becomes cannot change the key of {correction.table} ({', '.join(contract.key)})"
        )
    if not isinstance(correction.n_rows, int) or correction.n_rows < 1:
        raise CorrectionError(f"{file_name}: n_rows is how many rows it corrects, 1 at least")
    if not all(
        isinstance(text, str) and text.strip() for text in (correction.name, correction.reason, correction.authority)
    ):
        raise CorrectionError(f"{file_name}: name, reason and authority are texts, and none is empty")


def _singles(wanted: Any) -> list[Any]:
    if isinstance(wanted, dict) and wanted and set(wanted) <= RANGE_KEYS:
        return list(wanted.values())
    return list(wanted) if isinstance(wanted, list) else [wanted]


def _check_type(value: Any, column: Column, where: str) -> None:
    """YAML reads NO (Norway) as false and 0501 as a number: a text column takes texts only."""
    kinds: tuple[type, ...] = (int, float)
    if pa.types.is_string(column.type):
        kinds = (str,)
    elif pa.types.is_date(column.type):
        kinds = (date,)
    elif pa.types.is_integer(column.type):
        kinds = (int,)
    elif pa.types.is_boolean(column.type):
        kinds = (bool,)
    if value is not None and (type(value) not in kinds):
        raise CorrectionError(f"{where} is {value!r}, but the column holds {column.type}: write it so, texts in quotes")


def _is_there(values: pa.ChunkedArray, column: Column, wanted: Any) -> pa.ChunkedArray:
    """True where a value is as wanted; no NULL in it."""
    if isinstance(wanted, dict):
        is_there = pc.is_valid(values)
        for bound, compare in (("from", pc.greater_equal), ("to", pc.less_equal)):
            if bound in wanted:
                is_there = pc.and_(
                    is_there, pc.fill_null(compare(values, pa.scalar(wanted[bound], column.type)), fill_value=False)
                )
        return is_there
    return pc.is_in(values, value_set=pa.array(_singles(wanted), column.type))
