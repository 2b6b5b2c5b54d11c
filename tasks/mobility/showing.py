"""What the UI shows of mobility and policy: rows parsed by source, then values merged by vintage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tasks.intake.vintages import FetchedSource
from tasks.lake.steps import StepRecord
from tasks.running.artifacts import counted_rules, show_table


def show(
    *,
    sources: Sequence[FetchedSource],
    parse_mobility: Sequence[StepRecord],
    parse_policy: Sequence[StepRecord],
    merge_mobility: Sequence[StepRecord],
    write_mobility: Sequence[StepRecord],
    write_policy: Sequence[StepRecord],
    write_mobility_policy: Sequence[StepRecord],
    write_mobility_adjusted: Sequence[StepRecord],
) -> None:
    """Show a row a source, and then a row a step that merges."""
    rows = []
    for one in sources:
        parsed = [r for r in (*parse_mobility, *parse_policy) if r.subject.startswith(f"{one.source.name}: ")]
        refused = Counter(fault.rule for fault in one.fetched.set_aside)
        rows.append(_row(one.source.name, one.source.kind, len(one.fetched), parsed, refused))
    merging = (merge_mobility, write_mobility, write_policy, write_mobility_policy, write_mobility_adjusted)
    rows += [_row("all", merged[0].step, None, merged, Counter()) for merged in merging if merged]
    words = "Rows in = rows out + set aside, by rule: region-days as parsed by source, then values as merged by vintage"
    show_table("mobility", rows, words)


def _row(
    source: str, what: str, n_items: int | None, records: Sequence[StepRecord], set_aside: Counter[str]
) -> dict[str, Any]:
    for record in records:
        set_aside.update(record.set_aside)
    return {
        "source": source,
        "kind": what,
        "raw items": n_items,
        "rows in": sum(record.n_rows_in for record in records),
        "rows out": sum(record.n_rows_out for record in records),
        "set aside": counted_rules(set_aside),
    }
