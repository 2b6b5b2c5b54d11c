"""The step `write_regions`: what there is, as the tables `regions`, `countries` and `coverage`."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.merging import COVERAGE_OF_PART, REGION_SPANS
from tasks.transforms.mobility.coverage import COVERAGE_DAYS, SPANS, countries_table, coverage_table, regions_table

Files = tuple[FileRef, ...]
OF_POLICY = ("region_id", "observed_on", "country_code")


def region_batches(write_mobility: Sequence[StepRecord], write_policy: Sequence[StepRecord]) -> list[Batch]:
    """The one batch of all regions and jurisdictions."""
    spans, days = (
        tuple(ref for record in write_mobility for ref in record.files_of(table))
        for table in (REGION_SPANS, COVERAGE_OF_PART)
    )
    policy = tuple(ref for record in write_policy for ref in record.files_of("policy"))
    return [Batch("all", tuple(ref.sha256 for ref in (*spans, *days, *policy)), (spans, days, policy))]


def write_regions(lake: Lake, payload: tuple[Files, Files, Files]) -> StepOutput:
    """Write the three. Rows are regions: in those that mobility or policy have, out those of `regions`."""
    span_files, day_files, policy_files = payload
    policy = read_table(lake, policy_files)
    mobility = read_table(lake, span_files) if span_files else SPANS.empty_table()
    days = read_table(lake, day_files) if day_files else COVERAGE_DAYS.empty_table()
    regions = regions_table(mobility, policy)
    countries = countries_table(regions, policy)
    tables = {"regions": regions, "countries": countries, "coverage": coverage_table(days, countries, policy)}
    known = pc.unique(pa.chunked_array([*mobility["region_id"].chunks, *policy["region_id"].chunks], pa.string()))
    files = tuple(write_table(lake, name, rows) for name, rows in tables.items())
    return StepOutput(files, len(known), regions.num_rows)
