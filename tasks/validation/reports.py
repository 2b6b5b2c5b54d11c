"""What came of a check, and the forms in which it is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from expectations.checks import Check
from expectations.table_contract import TableContract

N_EXAMPLES = 5  # values shown of those that break a check: enough to see what they have in common
MOST_CHARACTERS = 200  # of one example: a document's whole text says no more than its beginning


@dataclass(frozen=True)
class CheckReport:
    """What came of a check. `n_unexpected` is None where rows cannot be counted; `keys` (a row each) name the rows that
    break it, where it is a check of severity warning that the contract's own row rules do not tell, and they can be
    told.
    """

    is_success: bool
    n_unexpected: int | None
    observed: Mapping[str, Any]
    keys: pa.Table | None = None


def sets_aside(check: Check) -> bool:
    """Whether the rows that break it are to be named: those of a warning that asks for every row, outside of the row
    rules.
    """
    return bool(check.rule) and check.severity == "warning" and float(check.kwargs.get("mostly", 1)) == 1.0


def with_keys(report: CheckReport, keys: pa.Table) -> CheckReport:
    """The report with the keys of the rows that fail, a few of them as examples."""
    examples = plain(keys.slice(0, N_EXAMPLES).to_pylist())
    return replace(report, observed={"examples": examples, **report.observed}, keys=keys)


def key_schema(contract: TableContract) -> pa.Schema:
    """The types of the key's columns."""
    return pa.schema([pa.field(name, contract.column(name).type) for name in contract.key])


def plain(value: Any) -> Any:
    """`value` in a form that JSON has; long texts cut."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
