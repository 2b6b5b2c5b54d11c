"""Rows set aside, in the form of `ops.quarantine`: the row as it came, its rule, and what to do about it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from expectations.contracts import QUARANTINE


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
    """Rows of `ops.quarantine`, one for each of `rows`, in their order; a row told twice in the same place stands once."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        shown = {name: _shown(value) for name, value in row.row.items()}
        raw_row = json.dumps(shown, ensure_ascii=False, sort_keys=True, default=str)
        raw_row = raw_row.encode("utf-8", "replace").decode()  # lone surrogates have no UTF-8
        identity = "\0".join((row.table_name, row.rule, row.uri, raw_row))
        quarantine_id = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:16]
        lines[quarantine_id] = {
            "quarantine_id": quarantine_id, "table_name": row.table_name, "rule": row.rule, "message": row.message,
            "raw_row": raw_row, "source": row.source, "uri": row.uri, "vintage": row.vintage,
        }  # fmt: skip
    return pa.Table.from_pylist(list(lines.values()), schema=QUARANTINE.arrow_schema())


def _shown(value: Any) -> Any:
    """NaN and infinity as text: JSON has no form for them, and what Python writes instead no other reader takes."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
