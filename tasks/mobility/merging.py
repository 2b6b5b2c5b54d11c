"""The step `merge_mobility`: the reports in force for some countries merged into their part of `mobility`, sorted by
its key, corrections in it, and what is derived from the part alone.

Countries are dealt to parts (`naming.part_of`). A part is made of those reports that hold one of its countries, so a
new report for a country makes one part due, and one for the whole world all of them. `write_mobility` then sets aside
what rules of the users' own refuse, and makes such a part again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.intake.corrections import folders_of, load_corrections
from tasks.intake.vintages import FetchedSource
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.naming import REGION_IDS, NamedReport, part_of, read_named
from tasks.mobility.parsing import ROWS
from tasks.mobility.standing import fetch_of, read_standing
from tasks.transforms.mobility.coverage import COVERAGE_DAYS, SPANS, coverage_days, spans
from tasks.transforms.mobility.mending import corrected
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA
from tasks.transforms.mobility.vintages import (
    N_CATEGORIES,
    NATIONAL_SCHEMA,
    MergedReports,
    Report,
    long_rows,
    merge_reports,
    national_days,
)
from tasks.transforms.records.corrections import Corrected, Correction

NATIONAL, REGION_SPANS, COVERAGE_OF_PART = "mobility_national", "mobility_regions_of_part", "mobility_coverage_of_part"
"""Working tables of a part: national days, its regions, its countries' days."""


@dataclass(frozen=True)
class ReportPart:
    """A report as far as one part of the table needs it: its file of rows, and where its regions stand."""

    rows: FileRef
    region_ids: FileRef
    named: NamedReport


@dataclass(frozen=True)
class MergePart:
    """A part of the table: the reports in force that it is made of, oldest first, and the corrections that act on
    it.
    """

    number: int
    reports: tuple[ReportPart, ...]
    corrections: tuple[Correction, ...] = ()


def merge_batches(
    lake: Lake,
    sources: Sequence[FetchedSource],
    parse_mobility: Sequence[StepRecord],
    write_vintages: Sequence[StepRecord],
    name_regions: Sequence[StepRecord],
) -> list[Batch]:
    """A batch for each part of which a report is in force."""
    standing = read_standing(lake, write_vintages, sources)
    rows = {ref.sha256: ref for record in parse_mobility for ref in record.files_of(ROWS)}
    corrections = [one for one in load_corrections(folders_of(sources)) if one.table == "mobility"]
    found: dict[int, list[ReportPart]] = {}
    for ref in [ref for record in name_regions for ref in record.files_of(REGION_IDS)]:
        vintage = read_named(lake, ref)
        for report in vintage.reports:
            fetch = fetch_of(standing, report.placed.source, report.placed.uri, report.placed.vintage)
            if fetch is not None and standing[fetch].is_in_force:
                found.setdefault(vintage.part, []).append(ReportPart(rows[report.rows_sha256], ref, report))
    batches = []
    for part in sorted(found):
        reports = sorted(found[part], key=lambda one: one.named.placed.sort_key)
        here = [one for one in corrections if part_of(one.country_code) == part]
        inputs = [_digest([one.region_ids.sha256, one.named.number]) for one in reports]
        inputs += [correction_digest(one) for one in here]
        batches.append(Batch(f"part {part:02}", tuple(inputs), MergePart(part, tuple(reports), tuple(here))))
    return batches


def correction_digest(correction: Correction) -> str:
    """The digest of all that a correction says."""
    return hashlib.sha256(repr(sorted(asdict(correction).items())).encode()).hexdigest()


def merge_mobility(lake: Lake, part: MergePart) -> StepOutput:
    """Merge the reports of one part. Rows are those of the long table, six for each region-day: in = out +
    superseded.
    """
    merged, n_rows_in, applied = merged_part(lake, part)
    lines = [*_revisions(part.reports, merged), *correction_lines(part.corrections, applied)]
    n_superseded = sum(one.n_values for one in merged.superseded)
    set_aside = {"superseded": n_superseded} if n_superseded else {}
    files = (*part_files(lake, merged), *write_decisions(lake, lines))
    return StepOutput(files, n_rows_in, merged.n_rows, set_aside)


def merged_part(lake: Lake, part: MergePart) -> tuple[MergedReports, int, list[Corrected]]:
    """The reports of a part merged and corrected; the rows of the long table that went in; what each correction did."""
    reports = [read_report(lake, one) for one in part.reports]
    merged, applied = merge_reports(reports), []
    for correction in part.corrections:
        merged, done = corrected(merged, correction)
        applied.append(done)
    return merged, sum(report.rows.num_rows for report in reports) * N_CATEGORIES, applied


def part_files(lake: Lake, merged: MergedReports) -> tuple[FileRef, ...]:
    """The part's file of `mobility`, and of each working table that is derived from the part alone."""
    return (
        write_table(lake, "mobility", long_rows(merged)),
        write_table(lake, NATIONAL, national_days(merged).to_batches(), schema=NATIONAL_SCHEMA),
        write_table(lake, REGION_SPANS, spans(merged).to_batches(), schema=SPANS),
        write_table(lake, COVERAGE_OF_PART, coverage_days(merged).to_batches(), schema=COVERAGE_DAYS),
    )


def correction_lines(corrections: Sequence[Correction], applied: Sequence[Corrected]) -> list[dict[str, object]]:
    """Ledger lines of the corrections that found rows: changed; or skipped, where they no longer fit (of how many rows
    there the score are as the correction was written for, the threshold what it expects).
    """
    lines: list[dict[str, object]] = []
    for correction, done in zip(corrections, applied, strict=True):
        line: dict[str, object] = {"subject": f"{correction.table}: {correction.country_code}"}
        if not done.is_fitting:
            rule = f"correction_no_longer_fits:{correction.name}"
            line |= {"score": float(done.n_so), "threshold": float(correction.n_rows), "outcome": "skipped"}
            lines.append(line | {"rule": rule, "n_rows_in": done.n_found, "n_rows_out": 0})
        elif done.n_found:
            rule = f"correction:{correction.name}"
            line |= {"n_rows_in": done.n_found, "n_rows_out": done.n_so}
            lines.append(line | {"outcome": "changed", "rule": rule})
    return lines


def read_report(lake: Lake, part: ReportPart) -> Report:
    """The rows and regions of a report, of the part's countries only."""
    lines = read_table(lake, part.region_ids)
    lines = lines.filter(pc.equal(lines["report"], part.named.number)).to_pylist()
    regions = {line["region_no"]: Region(*(line[name] for name in Region._fields)) for line in lines}
    region_ids = {line["region_no"]: line["region_id"] for line in lines}
    return Report(part.named.placed.vintage, regions, region_ids, rows_of(lake, part.rows, sorted(regions)))


def rows_of(lake: Lake, ref: FileRef, numbers: Sequence[int]) -> pa.Table:
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
        placed = parts[one.report].named.placed
        subject = f"{placed.source}: {placed.uri} {placed.vintage} {one.country_code}"
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


def _digest(value: list[object]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
