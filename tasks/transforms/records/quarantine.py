"""Rows set aside, in the form of `ops.quarantine`: the row as it came, its rule, and what to do about it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from expectations.contracts.ops import QUARANTINE


@dataclass(frozen=True)
class SetAside:
    """One row set aside. `row` is the row as it came (any values; what JSON has no form for is shown as text)."""

    table_name: str
    rule: str
    message: str
    row: Mapping[str, Any]
    source: str
    uri: str
    vintage: str | None = None


def quarantine_table(rows: Iterable[SetAside]) -> pa.Table:
    """Rows of `ops.quarantine`, one for each of `rows`, in their order; a row told twice of the same place is one."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        raw_row = json.dumps(_shown(row.row), ensure_ascii=False, sort_keys=True, default=str)
        told = {
            "table_name": row.table_name,
            "rule": row.rule,
            "message": row.message,
            "raw_row": raw_row,
            "source": row.source,
            "uri": row.uri,
            "vintage": row.vintage,
        }
        line = {name: None if text is None else _utf8(text) for name, text in told.items()}
        identity = "\0".join(str(line[name]) for name in ("table_name", "rule", "uri", "raw_row"))
        quarantine_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
        lines[quarantine_id] = {"quarantine_id": quarantine_id, **line}
    return pa.Table.from_pylist(list(lines.values()), schema=QUARANTINE.arrow_schema())


def _shown(value: Any) -> Any:
    """`value` as JSON has a form for it: NaN and infinity as text (only Python reads its own), every key as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(inner) for inner in value]
    return value


def _utf8(text: str) -> str:
    """`text` with ? for lone surrogates, as in names of files that are no UTF-8: Arrow takes none."""
    return text.encode("utf-8", "replace").decode()
