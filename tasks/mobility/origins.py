"""Where a row of merged mobility came from: declared source, file and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.mobility import CATEGORIES
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem
from tasks.mobility.line_numbers import RegionDay, lines_of
from tasks.mobility.merging import MergePart, ReportPart, merged_part
from tasks.transforms.mobility.mending import find_rows


@dataclass(frozen=True)
class RefusedRow:
    """A row that a rule refuses: the report that tells it, its region and day there, and what it holds."""

    rule: str
    report: ReportPart
    region_day: RegionDay
    told: dict[str, Any]


def refused_rows(lake: Lake, part: MergePart, refused: pa.Table) -> list[RefusedRow]:
    """Those of `refused` (key and rule) that stand in a part, as merged and corrected."""
    merged, _, _ = merged_part(lake, part)
    places, categories, which = find_rows(merged, refused)
    numbers = [_region_numbers(lake, report) for report in part.reports]
    rules = refused["rule"].take(pa.array(which)).to_pylist()
    days = refused["observed_on"].take(pa.array(which)).to_pylist()
    rows = []
    for place, category, rule, day in zip(places.tolist(), categories.tolist(), rules, days, strict=True):
        region_id, report = merged.region_ids[merged.series[place]], int(merged.reports[place])
        value = float(merged.values[place, category])
        told = {
            "region_id": region_id,
            "observed_on": day,
            "category": CATEGORIES[category],
            "change_pct": None if value != value else value,  # noqa: PLR0124  # NaN = not published
        }
        rows.append(RefusedRow(rule, part.reports[report], (numbers[report][region_id], day), told))
    return rows


def line_numbers(lake: Lake, vintages: pa.Table, rows: Sequence[RefusedRow]) -> list[int | None]:
    """The line of each row in its file, None where the bytes are not known; each file is read once. `vintages` are rows
    of `ops.vintages`.
    """
    wanted: dict[ReportPart, set[RegionDay]] = defaultdict(set)
    for row in rows:
        wanted[row.report].add(row.region_day)
    lines: dict[ReportPart, dict[RegionDay, int]] = {}
    for report, region_days in wanted.items():
        item = raw_item(vintages, report.named.placed.source, report.named.placed.uri, report.named.placed.vintage)
        lines[report] = {} if item is None else lines_of(lake, item, region_days)
    return [lines[row.report].get(row.region_day) for row in rows]


def raw_item(vintages: pa.Table, source: str, uri: str, vintage: str) -> RawItem | None:
    """The raw item that `uri` (a path, or a member below it) was in a vintage, as rows of `ops.vintages` tell it."""
    is_there = pc.and_(pc.equal(vintages["source"], source), pc.equal(vintages["vintage"], vintage))
    for line in vintages.filter(is_there).to_pylist():
        path = line["uri"]
        if uri == path or uri.startswith(f"{path}#"):
            member = uri.removeprefix(path).removeprefix("#") or None
            return RawItem(source, uri, line["raw_sha256"], member, line["n_bytes"], line["fetched_at"])
    return None


def _region_numbers(lake: Lake, report: ReportPart) -> dict[str, int]:
    """The number in its report of each region, by identifier."""
    lines = read_table(lake, report.region_ids, ["report", "region_no", "region_id"])
    lines = lines.filter(pc.equal(lines["report"], report.named.number))
    return dict(zip(lines["region_id"].to_pylist(), lines["region_no"].to_pylist(), strict=True))
