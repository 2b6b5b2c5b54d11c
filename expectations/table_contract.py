"""What a table promises: the types in which `expectations.contracts` declares them, and the pure checks made from
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Column:
    """A column: type, unit, meaning, and the rule that each of its values keeps.

    `minimum` and `maximum` are inclusive; `pattern` (RE2) must match the whole value; `one_of` lists every allowed
    value. A NULL is checked by `is_nullable` alone.
    """

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    is_nullable: bool = False
    minimum: float | date | None = None
    maximum: float | date | None = None
    one_of: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def comment(self) -> str:
        """Meaning and unit in one line, as DuckDB and the docs show it."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class Reference:
    """A column whose every value (NULL excepted) stands in `to_column` of the table `table` (qualified name) in the
    same snapshot.
    """

    column: str
    table: str
    to_column: str


@dataclass(frozen=True)
class TableContract:
    """A table: what one row is, its key, its columns in order, what they refer to. `schema` is `main` or `ops`."""

    name: str
    row_is: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    schema: str = "main"
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or not set(self.key) <= set(names):
            raise ValueError(f"contract {self.name}: columns must be distinct and hold the key {self.key}")
        if not {reference.column for reference in self.references} <= set(names):
            raise ValueError(f"contract {self.name}: references must start from its own columns")

    @property
    def qualified_name(self) -> str:
        """`documents`, or `ops.runs` outside of the schema `main`."""
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column:
        """The column called `name`. KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema: columns in order, `nullable` set, comments as field metadata."""
        return pa.schema(
            [pa.field(c.name, c.type, nullable=c.is_nullable, metadata={"comment": c.comment}) for c in self.columns]
        )

    def empty(self) -> pa.Table:
        """A table of this contract without rows."""
        return self.arrow_schema().empty_table()


@dataclass(frozen=True)
class RowRule:
    """A rule that single rows keep or break: `name` is what is true of a row that breaks it, e.g.
    `change_pct_below_-100`.
    """

    name: str
    column: str
    kind: Literal["null", "not_finite", "below", "above", "unlisted", "unmatched"]


def row_rules(contract: TableContract) -> tuple[RowRule, ...]:
    """Every row rule of the contract, in the order of its columns: one rule a broken promise."""
    rules: list[RowRule] = []
    for c in contract.columns:
        if not c.is_nullable:
            rules.append(RowRule(f"{c.name}_missing", c.name, "null"))
        if pa.types.is_floating(c.type):
            rules.append(
                RowRule(f"{c.name}_not_finite", c.name, "not_finite")
            )  # "not published" is NULL, never NaN or infinity
        if c.minimum is not None:
            rules.append(RowRule(f"{c.name}_below_{c.minimum}", c.name, "below"))
        if c.maximum is not None:
            rules.append(RowRule(f"{c.name}_above_{c.maximum}", c.name, "above"))
        if c.one_of:
            rules.append(RowRule(f"{c.name}_not_listed", c.name, "unlisted"))
        if c.pattern:
            rules.append(RowRule(f"{c.name}_malformed", c.name, "unmatched"))
    return tuple(rules)


def breaks_rule(contract: TableContract, rule: RowRule, rows: pa.Table) -> pa.ChunkedArray:
    """True where a row of `rows` breaks `rule`; shape (n_rows,), no NULL in it. NaN breaks `below` and `above`."""
    column = contract.column(rule.column)
    values = rows[rule.column].cast(column.type)
    if rule.kind == "null":
        return pc.is_null(values)
    if rule.kind == "not_finite":
        broken = pc.invert(pc.is_finite(values))
    elif rule.kind == "below":
        broken = pc.invert(pc.greater_equal(values, pa.scalar(column.minimum).cast(column.type)))
    elif rule.kind == "above":
        broken = pc.invert(pc.less_equal(values, pa.scalar(column.maximum).cast(column.type)))
    elif rule.kind == "unlisted":
        broken = pc.invert(pc.is_in(values, value_set=pa.array(column.one_of, column.type)))
        broken = pc.and_kleene(broken, pc.is_valid(values))
    else:
        broken = pc.invert(pc.match_substring_regex(values, f"^(?:{column.pattern})$"))
    return pc.fill_null(broken, fill_value=False)


def split_rows(contract: TableContract, rows: pa.Table) -> tuple[pa.Table, pa.Table, list[str]]:
    """Rows that keep every row rule, rows that do not, and for each of the latter the first rule that it breaks.

    `rows` must have the contract's columns (any order, castable types) and is not changed; order is kept.
    Key uniqueness is no row rule: see `repeated_key`. Rows in = kept + broken.
    """
    first_broken = pa.nulls(rows.num_rows, pa.string())
    for rule in row_rules(contract):
        is_new = pc.and_(breaks_rule(contract, rule, rows), pc.is_null(first_broken))
        if pc.any(is_new).as_py():
            first_broken = pc.if_else(is_new, rule.name, first_broken)
    is_kept = pc.is_null(first_broken)
    return rows.filter(is_kept), rows.filter(pc.invert(is_kept)), pc.drop_null(first_broken).to_pylist()


def repeated_key(contract: TableContract, rows: pa.Table) -> pa.Array:
    """True for every row whose key already stood in an earlier row; shape (n_rows,)."""
    numbered = rows.select(list(contract.key)).append_column("_row", pa.array(np.arange(rows.num_rows)))
    first = numbered.group_by(list(contract.key), use_threads=False).aggregate([("_row", "min")])["_row_min"]
    return pc.invert(pc.is_in(numbered["_row"], value_set=first.combine_chunks())).combine_chunks()
