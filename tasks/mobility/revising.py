"""The steps `write_mobility_revisions` and `write_policy_revisions`: every value of every trusted fetch, in force or
not.

A batch is a vintage (of mobility a large one as far as one part of the table holds it), so a new fetch costs its own
rows alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from expectations.contracts.mobility import INDICES
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.merging import ReportPart, read_report
from tasks.mobility.naming import REGION_IDS, read_named
from tasks.mobility.parsing import ROWS
from tasks.mobility.policy import PlacedRows, placed_rows
from tasks.mobility.policy_merging import placed_digest
from tasks.transforms.mobility.revisions import mobility_revisions, policy_revisions
from tasks.transforms.mobility.vintages import N_CATEGORIES, merge_reports

MOST_ROWS = (
    200_000  # region-days of a vintage in one batch: our choice, half a second; the world's largest has a million
)


def mobility_revision_batches(
    lake: Lake, parse_mobility: Sequence[StepRecord], name_regions: Sequence[StepRecord]
) -> list[Batch]:
    """A batch for each vintage; where it is large, for each of its parts."""
    rows = {ref.sha256: ref for record in parse_mobility for ref in record.files_of(ROWS)}
    parts: dict[str, dict[int, tuple[ReportPart, ...]]] = defaultdict(dict)
    for ref in [ref for record in name_regions for ref in record.files_of(REGION_IDS)]:
        named = read_named(lake, ref)
        reports = tuple(ReportPart(rows[one.rows_sha256], ref, one) for one in named.reports)
        parts[named.vintage][named.part] = reports
    batches = []
    for vintage, by_part in sorted(parts.items()):
        whole = tuple(one for _, reports in sorted(by_part.items()) for one in reports)
        if sum(ref.n_rows for ref in {one.rows for one in whole}) <= MOST_ROWS:
            batches.append(_revision_batch(f"vintage {vintage}", whole))
        else:
            batches += [
                _revision_batch(f"vintage {vintage}, part {part:02}", by_part[part]) for part in sorted(by_part)
            ]
    return batches


def _revision_batch(subject: str, reports: tuple[ReportPart, ...]) -> Batch:
    digests = dict.fromkeys(one.region_ids.sha256 for one in reports)
    return Batch(subject, tuple(digests), reports)


def write_mobility_revisions(lake: Lake, parts: tuple[ReportPart, ...]) -> StepOutput:
    """Write every value of one vintage. Rows are values: in = out + those that the vintage itself tells twice."""
    reports = [read_report(lake, part) for part in parts]
    merged = merge_reports(reports)
    rows = mobility_revisions(merged, [part.named.placed for part in parts])
    n_rows_in = sum(report.rows.num_rows for report in reports) * N_CATEGORIES
    return _output(write_table(lake, "mobility_revisions", rows), n_rows_in)


def policy_revision_batches(
    lake: Lake,
    sources: Sequence[FetchedSource],
    parse_policy: Sequence[StepRecord],
    write_vintages: Sequence[StepRecord],
) -> list[Batch]:
    """A batch for each vintage."""
    by_vintage: dict[str, list[PlacedRows]] = defaultdict(list)
    for one in placed_rows(lake, sources, parse_policy, write_vintages):
        by_vintage[one.placed.vintage].append(one)
    return [
        Batch(f"vintage {vintage}", tuple(map(placed_digest, files)), tuple(files))
        for vintage, files in sorted(by_vintage.items())
    ]


def write_policy_revisions(lake: Lake, files: tuple[PlacedRows, ...]) -> StepOutput:
    """Write every value of one vintage. Rows are values: in = out + those that the vintage itself tells twice."""
    tables = [(one.placed, read_table(lake, one.rows)) for one in files]
    n_rows_in = sum(rows.num_rows * len(set(INDICES) & set(rows.column_names)) for _, rows in tables)
    return _output(write_table(lake, "policy_revisions", policy_revisions(tables)), n_rows_in)


def _output(ref: FileRef, n_rows_in: int) -> StepOutput:
    n_repeated = n_rows_in - ref.n_rows
    return StepOutput((ref,), n_rows_in, ref.n_rows, {"told_again_in_its_vintage": n_repeated} if n_repeated else {})
