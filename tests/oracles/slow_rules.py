"""Row rules, one value at a time: what the contract's vectorised checks must come out to."""

import math
import re
from collections.abc import Mapping
from typing import Any

from expectations.table_contract import Column, TableContract


def first_broken_rule(contract: TableContract, row: Mapping[str, Any]) -> str | None:
    """The name of the first rule that the row breaks, column by column; None where it keeps them all."""
    for column in contract.columns:
        broken = _broken(column, row[column.name])
        if broken is not None:
            return f"{column.name}_{broken}"
    return None


def _broken(column: Column, value: Any) -> str | None:
    if value is None:
        return None if column.is_nullable else "missing"
    rules = {
        "not_finite": isinstance(value, float) and not math.isfinite(value),
        f"below_{column.minimum}": column.minimum is not None and value < column.minimum,
        f"above_{column.maximum}": column.maximum is not None and value > column.maximum,
        "not_listed": bool(column.one_of) and value not in column.one_of,
        "malformed": bool(column.pattern) and re.fullmatch(column.pattern, str(value)) is None,
    }
    return next((name for name, is_broken in rules.items() if is_broken), None)


def repeats(keys: list[tuple[Any, ...]]) -> list[bool]:
    """Whether each key stood before."""
    return [key in keys[:place] for place, key in enumerate(keys)]
