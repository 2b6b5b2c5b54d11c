"""`ops.vintages` of a test, published: what a fetch falls back on and what troubles are found in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from expectations.contracts.ops import VINTAGES
from expectations.contracts.tables import TABLES
from support.lake_rows import stage_of, write_rows
from tasks.intake.fetch import Fetched
from tasks.intake.vintages import place_of
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def vintage_row(uri: str = "a.csv", raw_sha256: str = "a" * 64, source: str = "one", **said: Any) -> dict[str, Any]:
    """A row of `ops.vintages`: in force and offered, accepted, unless it is said otherwise."""
    row = {"source": source, "uri": uri, "vintage": raw_sha256[:12], "raw_sha256": raw_sha256, "n_bytes": 5}
    state = {"verdict": "accepted", "is_trusted": True, "is_in_force": True, "is_offered": True}
    return {**row, "fetched_at": MONDAY, **state, **said}


def publish_vintages(
    lake: Lake, rows: Sequence[Mapping[str, Any]], quarantine: Sequence[Mapping[str, Any]] = ()
) -> None:
    """A snapshot that knows these vintages, and rows of the quarantine."""
    files = [write_rows(lake, "ops.vintages", rows)]
    files += [write_rows(lake, "ops.quarantine", quarantine)] if quarantine else []
    publish(lake, [stage_of("mobility", *files)], "run")


def publish_fetched(lake: Lake, fetched: Fetched) -> None:
    """A snapshot in which all that was fetched is in force."""
    places = {place_of(item): item for item in fetched.items}
    publish_vintages(
        lake,
        [
            vintage_row(
                uri, item.raw_sha256, item.source, n_bytes=size_of(lake, item.raw_sha256), fetched_at=item.fetched_at
            )
            for uri, item in sorted(places.items())
        ],
    )


def publish_before_the_gate(lake: Lake, rows: Sequence[Mapping[str, Any]]) -> None:
    """A snapshot as it was written when `ops.vintages` had its first six columns and no other."""
    now = TABLES[VINTAGES.qualified_name]
    TABLES[VINTAGES.qualified_name] = replace(now, columns=now.columns[:6])
    try:
        kept = [column.name for column in now.columns[:6]]
        publish_vintages(lake, [{name: row[name] for name in kept} for row in rows])
    finally:
        TABLES[VINTAGES.qualified_name] = now


def size_of(lake: Lake, raw_sha256: str) -> int:
    """Size of kept bytes."""
    return (lake.raw / raw_sha256[:2] / raw_sha256).stat().st_size
