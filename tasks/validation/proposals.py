"""A contract and a suite that a file's profile proposes: what it kept to once, for a person to judge."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import yaml

from expectations.table_contract import Column, TableContract
from tasks.validation.profiling import ColumnProfile, Profile

LEAST_ROWS = 100  # our choice: fewer rows tell neither a set of values nor a distribution
ARROW_TYPES = {
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "FLOAT": pa.float32(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
}
WIDER = {**dict.fromkeys(("TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"), "INTEGER"), "UINTEGER": "BIGINT"}


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper without aliases, which suites may not hold."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        """Always."""
        return True


def proposed_contract(profile: Profile, table: str) -> TableContract:
    """The contract: types and NULL as found, sets where a text has few values; the first key, none where none was
    found.
    """
    columns = tuple(
        Column(
            one.name,
            _type(one),
            _meaning(profile, one),
            is_nullable=bool(one.n_null) or not profile.n_rows,
            one_of=tuple(one.values) if profile.n_rows >= LEAST_ROWS else (),
        )
        for one in profile.columns
    )
    return TableContract(table, f"a row of {profile.name}", profile.keys[0] if profile.keys else (), columns)


def proposed_suite(profile: Profile, table: str) -> str:
    """The suite, in YAML as `expectations.suite_format` reads it; every expectation of severity info, with what was
    seen as its description.
    """
    name = "".join(letter if letter.isprintable() else "?" for letter in profile.name)
    head = f"# Proposed from {name}: {profile.n_rows:,} rows.\n"
    head += "# Keep what is true of the next file too, with the severity that it deserves:\n"
    head += "# critical stops a publish, warning sets rows aside, info is told.\n"
    suite = {"table": table, "expectations": list(_expectations(profile))}
    return head + yaml.dump(suite, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def table_name_of(file_name: str) -> str:
    """A table's name made of a file's: lower case, words joined with _."""
    stem = file_name.split(".", maxsplit=1)[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_") or "rows"


def _type(one: ColumnProfile) -> pa.DataType:
    return ARROW_TYPES.get(WIDER.get(one.type, one.type), pa.string())


def _meaning(profile: Profile, one: ColumnProfile) -> str:
    words = [f"about {one.n_distinct:,} values"]
    if one.minimum is not None and one.type != "VARCHAR":
        words.append(f"{one.minimum} to {one.maximum}")
    if one.name in profile.days:
        n_days, n_span = profile.days[one.name]
        words.append(f"{n_days:,} of {n_span:,} days")
    if profile.n_rows:
        words.append(f"{100 * one.n_null / profile.n_rows:.3g} % NULL")
    return f"To be described; seen were {', '.join(words)}"


def _expectations(profile: Profile) -> Iterator[dict[str, Any]]:
    least = 1 if profile.n_rows else 0
    yield _expectation(
        "expect_table_row_count_to_be_between", {"min_value": least}, f"{profile.n_rows:,} rows were seen."
    )
    for key in profile.keys[:1]:
        words = f"No two rows share {' and '.join(key)}."
        if len(key) == 1:
            yield _expectation("expect_column_values_to_be_unique", {"column": key[0]}, words)
        else:
            yield _expectation("expect_compound_columns_to_be_unique", {"column_list": list(key)}, words)
    for one in profile.columns:
        yield from _of_column(profile, one)
    yield from _of_groups(profile)


def _of_column(profile: Profile, one: ColumnProfile) -> Iterator[dict[str, Any]]:
    on = {"column": one.name}
    if profile.n_rows and one.n_null < profile.n_rows:
        share = 1 - one.n_null / profile.n_rows
        mostly = {} if not one.n_null else {"mostly": math.floor(100 * share) / 100}
        yield _expectation("expect_column_values_to_not_be_null", {**on, **mostly}, f"{100 * share:.4g} % were given.")
    if profile.n_rows >= LEAST_ROWS and one.values:
        words = f"{one.name} had {len(one.values)} values."
        yield _expectation("expect_column_values_to_be_in_set", {**on, "value_set": list(one.values)}, words)
    bounds = [_plain(bound) for bound in (one.minimum, one.maximum)]
    if None not in bounds:
        words = f"{one.name} lay between {one.minimum} and {one.maximum}."
        yield _expectation(
            "expect_column_values_to_be_between", {**on, "min_value": bounds[0], "max_value": bounds[1]}, words
        )


def _of_groups(profile: Profile) -> Iterator[dict[str, Any]]:
    """Against the last snapshot: distributions by the first category, coverage of it, freshness of days."""
    categories = [one.name for one in profile.columns if one.values and not one.n_null][:1]
    by = {"by": categories} if categories else {}
    in_key = {name for key in profile.keys for name in key}
    if profile.n_rows >= LEAST_ROWS:
        for one in profile.columns:
            if one.quartiles and one.name not in in_key:
                yield {"distribution": {"column": one.name, **by}, "severity": "info"}
    if categories:
        yield {"coverage": {"columns": categories}, "severity": "info"}
    for name in profile.days:
        yield {"freshness": {"column": name}, "severity": "info"}


def _expectation(name: str, kwargs: dict[str, Any], words: str) -> dict[str, Any]:
    return {"type": name, "kwargs": kwargs, "severity": "info", "description": words}


def _plain(bound: Any) -> Any:
    """A bound as YAML has it: a finite number, a day, a moment; None for all else."""
    if isinstance(bound, bool) or not isinstance(bound, int | float | date):
        return None
    if isinstance(bound, float) and not math.isfinite(bound):
        return None
    return bound.replace(tzinfo=None) if isinstance(bound, datetime) else bound
