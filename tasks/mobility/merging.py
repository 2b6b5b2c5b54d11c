"""The step `write_mobility`: the parsed reports of some countries merged into their part of `mobility`, sorted by its
key.

Countries are dealt to PARTS parts by the digest of their code, for ever the same. A part is made of those reports that
hold one of its countries, so a new report for a country makes one part due, and one for the whole world all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.parsing import REGIONS, ROWS
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA
from tasks.transforms.mobility.vintages import (
    N_CATEGORIES,
    NATIONAL_SCHEMA,
    MergedReports,
    Report,
    long_batches,
    merge_reports,
    national_days,
)

NATIONAL = "mobility_national"
PARTS = 16
"""Our choice: the largest (with the United States) holds a quarter of the world's rows; 16 files are nothing to
read.
"""


@dataclass(frozen=True)
class ReportPart:
    """A report as far as one part of the table needs it: its file of rows, where its regions stand, and which countries
    count.
    """

    rows: FileRef
    regions: FileRef
    source: str
    uri: str
    vintage: str
    countries: tuple[str, ...]


def part_of(country_code: str) -> int:
    """The part of the table in which a country stands."""
    return hashlib.sha256(country_code.encode()).digest()[0] % PARTS


def merge_batches(lake: Lake, parse_mobility: Sequence[StepRecord]) -> list[Batch]:
    """A batch for each part that has rows, its reports oldest first: by the last day that their vintage reaches, then
    by where they lie.

    A vintage is what was fetched as one file, so of an archive with a file a year every member counts as reaching its
    last day.
    """
    rows = {ref.sha256: ref for record in parse_mobility for ref in record.files_of(ROWS)}
    reports = [
        (regions, list(of_report))
        for regions in sorted(
            {ref for record in parse_mobility for ref in record.files_of(REGIONS)}, key=lambda ref: ref.sha256
        )
        for _, of_report in groupby(
            read_table(lake, regions).to_pylist(), itemgetter("rows_sha256", "source", "uri", "vintage")
        )
    ]
    reach: dict[str, date] = {}
    for _, lines in reports:
        reach[lines[0]["vintage"]] = max(reach.get(lines[0]["vintage"], date.min), lines[0]["last_on"])
    found: dict[int, list[tuple[ReportPart, str]]] = {}
    oldest_first = itemgetter("uri", "source", "vintage", "rows_sha256")
    for regions, lines in sorted(reports, key=lambda one: (reach[one[1][0]["vintage"]], oldest_first(one[1][0]))):
        source, uri, vintage, rows_sha256 = (lines[0][name] for name in ("source", "uri", "vintage", "rows_sha256"))
        for part in sorted({part_of(line["country_code"]) for line in lines}):
            here = [line for line in lines if part_of(line["country_code"]) == part]
            countries = tuple(sorted({line["country_code"] for line in here}))
            digest = hashlib.sha256(
                canonical_json([{**line, "last_on": str(line["last_on"])} for line in here])
            ).hexdigest()
            found.setdefault(part, []).append(
                (ReportPart(rows[rows_sha256], regions, source, uri, vintage, countries), digest)
            )
    return [
        Batch(f"part {part:02}", tuple(digest for _, digest in found[part]), tuple(one for one, _ in found[part]))
        for part in sorted(found)
    ]


def write_mobility(lake: Lake, parts: tuple[ReportPart, ...]) -> StepOutput:
    """Merge the reports of one part. Rows are those of the long table, six for each region-day: in = out +
    superseded.
    """
    reports = [_report(lake, part) for part in parts]
    merged = merge_reports(reports)
    files = [
        write_table(lake, "mobility", long_batches(merged)),
        write_table(lake, NATIONAL, national_days(merged).to_batches(), schema=NATIONAL_SCHEMA),
    ]
    files += write_decisions(lake, _revisions(parts, merged))
    n_rows_in = sum(report.rows.num_rows for report in reports) * N_CATEGORIES
    n_superseded = sum(one.n_values for one in merged.superseded)
    return StepOutput(tuple(files), n_rows_in, merged.n_rows, {"superseded": n_superseded} if n_superseded else {})


def _report(lake: Lake, part: ReportPart) -> Report:
    """The rows and regions of a report, of the part's countries only."""
    lines = read_table(lake, part.regions)
    is_here = pc.and_(
        pc.and_(pc.equal(lines["rows_sha256"], part.rows.sha256), pc.equal(lines["uri"], part.uri)),
        pc.and_(
            pc.equal(lines["source"], part.source), pc.is_in(lines["country_code"], value_set=pa.array(part.countries))
        ),
    )
    regions = {
        line["region_no"]: Region(*(line[name] for name in Region._fields))
        for line in lines.filter(is_here).to_pylist()
    }
    return Report(part.vintage, regions, _rows_of(lake, part.rows, sorted(regions)))


def _rows_of(lake: Lake, ref: FileRef, numbers: Sequence[int]) -> pa.Table:
    """The rows of some regions. Only row groups that can hold them are read: a report tells country after country."""
    wanted, column = np.array(numbers), WIDE_SCHEMA.get_field_index("region_no")
    with pq.ParquetFile(lake.locate(ref.path), memory_map=True) as opened:
        groups = []
        for group in range(opened.num_row_groups):
            statistics = opened.metadata.row_group(group).column(column).statistics
            if statistics is None or ((wanted >= statistics.min) & (wanted <= statistics.max)).any():
                groups.append(group)
        tables = [opened.read_row_group(group) for group in groups]
    value_set = pa.array(wanted, pa.int32())
    kept = [table.filter(pc.is_in(table["region_no"], value_set=value_set)) for table in tables]
    return pa.concat_tables([WIDE_SCHEMA.empty_table(), *kept])


def _revisions(parts: Sequence[ReportPart], merged: MergedReports) -> Iterator[dict[str, object]]:
    """Ledger lines: what later reports replaced of each report, by country, and how many values they changed, by how
    much.
    """
    for one in merged.superseded:
        part = parts[one.report]
        subject = f"{part.source}: {part.uri} {part.vintage} {one.country_code}"
        mean = None if np.isnan(one.mean_revision_pct) else one.mean_revision_pct
        yield from revision_lines(subject, one.n_values, one.n_revised, mean)


def revision_lines(subject: str, n_values: int, n_revised: int, mean_revision: float | None) -> list[dict[str, object]]:
    """Ledger lines on values that a later vintage took the place of: all set aside, and those of them that it gave
    otherwise.
    """
    line: dict[str, object] = {"subject": subject, "n_rows_in": n_values}
    changed = {
        "outcome": "changed",
        "rule": "revised_by_later_vintage",
        "n_rows_out": n_revised,
        "score": mean_revision,
    }
    return [{**line, "outcome": "set_aside", "rule": "superseded", "n_rows_set_aside": n_values}, {**line, **changed}]
