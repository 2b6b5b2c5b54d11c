"""Repairs of source data, which are data themselves: where, what was, what becomes of it, why, who says so, how many
rows.

A correction only does what it was written for: `was` says what the source had when it was written, and `n_rows` how
many rows. Where rows are there but no longer so, the source was repaired or changed, and the correction does not fit:
nothing is corrected, instead of spoiling what is right now (decision 0023).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from expectations.contracts.columns import COUNTRY_CODE
from expectations.contracts.mobility import INDICES, MOBILITY, POLICY
from expectations.table_contract import Column, TableContract

RANGE_KEYS = {"from", "to"}
CORRECTABLE: Mapping[str, tuple[TableContract, tuple[str, ...], frozenset[str]]] = {
    "mobility": (MOBILITY, ("change_pct",), frozenset({"change_pct_centred_13d", "change_pct_trailing_7d"})),
    "policy": (
        POLICY,
        INDICES,
        frozenset({column.name for column in POLICY.columns if column.name.endswith("vintage")}),
    ),
}
"""The tables to which corrections are applied: what may be corrected there, and what is made after it and cannot be
asked for.
"""
NAME = re.compile(r"[a-z][a-z0-9_]*")


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

    @property
    def country_code(self) -> str:
        """The one country whose rows it corrects; empty where `where` does not name one."""
        named = [*_singles(self.where.get("country_code")), *_singles(self.where.get("region_id"))]
        codes = {str(one).partition("/")[0] for one in named if one is not None}
        return codes.pop() if len(codes) == 1 else ""


@dataclass(frozen=True)
class Corrected:
    """Rows after a correction, in order: `n_found` lie where it says, and `n_so` of them are as it was written for.

    Where these are not the same, or not as many as it says (`is_fitting` is False), the rows are as they came.
    """

    rows: pa.Table
    n_found: int
    n_so: int
    is_fitting: bool


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
    """`rows` (all that the correction can find, with the columns that it names) with the correction in them, if it
    fits: all rows where it says are as it says, and as many. `rows` is not changed.

    Where it finds none it has nothing to do, and fits.
    """
    contract, _, _ = CORRECTABLE[correction.table]
    is_found = pa.chunked_array([pa.array([True] * rows.num_rows, pa.bool_())])
    for name, wanted in correction.where.items():
        is_found = pc.and_(is_found, _is_there(rows[name], contract.column(name), wanted))
    is_so = is_found
    for name, value in correction.was.items():
        is_so = pc.and_(is_so, _is_there(rows[name], contract.column(name), value))
    n_found, n_so = pc.sum(is_found).as_py() or 0, pc.sum(is_so).as_py() or 0
    is_fitting = n_found in {0, n_so} and n_so in {0, correction.n_rows}
    if n_found and is_fitting:
        for name, value in correction.becomes.items():
            place = rows.schema.get_field_index(name)
            becomes = pc.if_else(is_so, pa.scalar(value, contract.column(name).type), rows[name])
            rows = rows.set_column(place, rows.schema.field(place), becomes)
    return Corrected(rows, n_found, n_so, is_fitting)


def _check_values(correction: Correction, file_name: str) -> None:
    if not isinstance(correction.table, str) or correction.table not in CORRECTABLE:
        known = " and ".join(CORRECTABLE)
        raise CorrectionError(
            f"{file_name}: corrections are applied to {known}, not to {correction.table!r}: mend the source's file"
        )
    contract, values_of, derived = CORRECTABLE[correction.table]
    columns = {column.name: column for column in contract.columns if column.name not in derived}
    for part in ("where", "was", "becomes"):
        _check_part(correction, part, columns, file_name)
    _check_becomes(correction, contract, values_of, file_name)
    if not re.fullmatch(COUNTRY_CODE.pattern, correction.country_code):
        raise CorrectionError(f"{file_name}: where names the country_code or the region_id of one country: add it")
    if not isinstance(correction.n_rows, int) or correction.n_rows < 1:
        raise CorrectionError(f"{file_name}: n_rows is how many rows it corrects, 1 at least")
    if not isinstance(correction.name, str) or not NAME.fullmatch(correction.name):
        raise CorrectionError(f"{file_name}: name is in snake_case, from a letter")
    if not all(isinstance(text, str) and text.strip() for text in (correction.reason, correction.authority)):
        raise CorrectionError(f"{file_name}: reason and authority are texts, and neither is empty")


def _check_part(correction: Correction, part: str, columns: Mapping[str, Column], file_name: str) -> None:
    values = getattr(correction, part)
    if not isinstance(values, dict) or not values:
        raise CorrectionError(f"{file_name}: {part} maps columns to values, one at least")
    for name, value in values.items():
        if name not in columns:
            table = correction.table
            raise CorrectionError(f"{file_name}: {part} names {name!r}, which no source gives a column of {table}")
        for single in _singles(value) if part == "where" else [value]:
            _check_type(single, columns[name], f"{file_name}: {part}.{name}")


def _check_becomes(correction: Correction, contract: TableContract, values_of: Sequence[str], file_name: str) -> None:
    """Only values may be corrected, and only to what the contract allows."""
    for name, value in correction.becomes.items():
        if name not in values_of:
            raise CorrectionError(f"{file_name}: becomes can change {', '.join(values_of)}, not {name!r}")
        column = contract.column(name)
        least, most = (bound for bound in (column.minimum, column.maximum) if isinstance(bound, float))
        if value is not None and not least <= value <= most:
            raise CorrectionError(f"{file_name}: becomes.{name} is {value}, but it lies between {least:g} and {most:g}")


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
