"""The step `name_regions`: which region of a report is which of another's, and which report is the later one.

Working table `mobility_region_ids`: a file for each part and vintage, a row for each region of its reports. What
makes the file is in its schema's metadata (`NamedVintage`), so that later steps cut their batches without reading rows.
It does not say what is in force: a vintage that another takes the place of keeps its file, and its history its rows.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.parsing import REGIONS
from tasks.mobility.standing import Fetch, Standing, fetch_of, read_standing
from tasks.transforms.mobility.regions import Region, assign_region_ids
from tasks.transforms.mobility.vintage_order import FileVintage, PlacedVintage, in_order

REGION_IDS = "mobility_region_ids"
METADATA = b"vintage"
PARTS = 16
"""Our choice: the largest (with the United States) holds a quarter of the world's rows; 16 files are nothing to
read.
"""


@dataclass(frozen=True)
class ParsedFile:
    """A report as it was parsed: where its regions are told, and its place among all."""

    regions: FileRef
    rows_sha256: str
    placed: PlacedVintage


@dataclass(frozen=True)
class NamedReport:
    """A report as far as one part of the table needs it; `number` is that of its rows in the file of region ids."""

    number: int
    rows_sha256: str
    placed: PlacedVintage


@dataclass(frozen=True)
class NamedVintage:
    """A file of region ids: the reports of one vintage that hold a country of one part, oldest first."""

    part: int
    vintage: str
    reports: tuple[NamedReport, ...]


SCHEMA = pa.schema(
    [
        pa.field("report", pa.int32()),
        pa.field("region_no", pa.int32()),
        pa.field("region_id", pa.string()),
        *(pa.field(name, pa.string()) for name in Region._fields),
    ]
)
"""`report` is a `NamedReport.number`, `region_no` as in the report's file of rows."""


@functools.cache
def part_of(country_code: str) -> int:
    """The part of the table in which a country stands: by the digest of its code, for ever the same."""
    return hashlib.sha256(country_code.encode()).digest()[0] % PARTS


def naming_batches(
    lake: Lake,
    sources: Sequence[FetchedSource],
    parse_mobility: Sequence[StepRecord],
    write_vintages: Sequence[StepRecord],
) -> list[Batch]:
    """The one batch of all reports that are trusted, in force or not, oldest first."""
    standing = read_standing(lake, write_vintages, sources)
    found = {ref for record in parse_mobility for ref in record.files_of(REGIONS)}
    files = parsed_files(lake, sorted(found, key=lambda ref: ref.sha256), sources, standing)
    inputs = [_digest([one.regions.sha256, one.rows_sha256, *map(str, one.placed)]) for one in files]
    return [Batch("all", tuple(inputs), tuple(files))] if files else []


def parsed_files(
    lake: Lake, regions: Sequence[FileRef], sources: Sequence[FetchedSource], standing: Mapping[Fetch, Standing]
) -> list[ParsedFile]:
    """Every report of a trusted fetch, oldest first. Of an archive each member counts as reaching its last day."""
    columns = ["rows_sha256", "source", "uri", "vintage"]
    told: dict[tuple[str, str, str], tuple[FileRef, str]] = {}
    reach: dict[str, date] = {}
    for ref in regions:
        reports = read_table(lake, ref, [*columns, "last_on"]).group_by(columns).aggregate([("last_on", "max")])
        for line in reports.to_pylist():
            told[line["source"], line["uri"], line["vintage"]] = ref, line["rows_sha256"]
            reach[line["vintage"]] = max(reach.get(line["vintage"], date.min), line["last_on_max"])
    order_of = {one.source.name: one.source.order for one in sources}
    nth = nth_fetches(standing)
    vintages = []
    for source, uri, vintage in sorted(told):
        fetch = fetch_of(standing, source, uri, vintage)
        if fetch is not None:
            fetched_at, order = standing[fetch].fetched_at, order_of.get(source, "reach")
            vintages.append(FileVintage(source, uri, vintage, reach[vintage], fetched_at, nth[fetch], order))
    return [ParsedFile(*told[one.source, one.uri, one.vintage], one) for one in in_order(vintages)]


def nth_fetches(standing: Mapping[Fetch, Standing]) -> dict[Fetch, int]:
    """Which of the fetches of its path each is, from 1."""
    by_path: dict[tuple[str, str], list[Fetch]] = defaultdict(list)
    for fetch in sorted(standing, key=lambda one: (standing[one].fetched_at, one.vintage)):
        by_path[fetch.source, fetch.path].append(fetch)
    return {fetch: number for fetches in by_path.values() for number, fetch in enumerate(fetches, 1)}


def name_regions(lake: Lake, files: tuple[ParsedFile, ...]) -> StepOutput:
    """Give every region its identifier, the same in all reports. Rows are regions of reports."""
    described = {ref: _regions_by_report(lake, ref) for ref in {one.regions for one in files}}
    by_part: dict[int, list[tuple[ParsedFile, list[tuple[int, Region]]]]] = defaultdict(list)
    n_rows = 0
    for one in files:
        placed = one.placed
        regions = described[one.regions][one.rows_sha256, placed.source, placed.uri, placed.vintage]
        n_rows += len(regions)
        for part in sorted({part_of(region.country_code) for _, region in regions}):
            here = [(number, region) for number, region in regions if part_of(region.country_code) == part]
            by_part[part].append((one, here))
    written = [ref for part in sorted(by_part) for ref in _write_part(lake, part, by_part[part])]
    return StepOutput(tuple(written), n_rows, sum(ref.n_rows for ref in written))


def _write_part(lake: Lake, part: int, reports: Sequence[tuple[ParsedFile, list[tuple[int, Region]]]]) -> list[FileRef]:
    ids = assign_region_ids([[region for _, region in regions] for _, regions in reports])
    by_vintage: dict[str, list[int]] = defaultdict(list)
    for number, (file, _) in enumerate(reports):
        by_vintage[file.placed.vintage].append(number)
    written = []
    for vintage, numbers in sorted(by_vintage.items()):
        rows: list[dict[str, Any]] = []
        named = []
        for report, number in enumerate(numbers):
            file, regions = reports[number]
            named.append(NamedReport(report, file.rows_sha256, file.placed))
            rows += [
                {"report": report, "region_no": region_no, "region_id": one, **region._asdict()}
                for (region_no, region), one in zip(regions, ids[number], strict=True)
            ]
        metadata = {METADATA: canonical_json(_as_json(NamedVintage(part, vintage, tuple(named))))}
        written.append(write_table(lake, REGION_IDS, pa.Table.from_pylist(rows, schema=SCHEMA.with_metadata(metadata))))
    return written


def read_named(lake: Lake, ref: FileRef) -> NamedVintage:
    """What a file of region ids is made of."""
    told = json.loads(pq.read_schema(lake.locate(ref.path)).metadata[METADATA])
    reports = tuple(NamedReport(one["number"], one["rows_sha256"], _placed(one["placed"])) for one in told["reports"])
    return NamedVintage(told["part"], told["vintage"], reports)


def _as_json(named: NamedVintage) -> dict[str, Any]:
    reports = [{**asdict(one), "placed": [*map(str, one.placed)]} for one in named.reports]
    return {"part": named.part, "vintage": named.vintage, "reports": reports}


def _placed(told: Sequence[str]) -> PlacedVintage:
    source, uri, vintage, vintage_on, fetched_on, nth_fetch = told
    return PlacedVintage(
        source, uri, vintage, date.fromisoformat(vintage_on), date.fromisoformat(fetched_on), int(nth_fetch)
    )


def _regions_by_report(lake: Lake, ref: FileRef) -> dict[tuple[str, ...], list[tuple[int, Region]]]:
    """The numbered regions of each report that a file of regions tells of."""
    by_report = itemgetter("rows_sha256", "source", "uri", "vintage")
    lines = sorted(read_table(lake, ref).to_pylist(), key=lambda line: (*by_report(line), line["region_no"]))
    return {
        report: [(line["region_no"], Region(*(line[name] for name in Region._fields))) for line in of_report]
        for report, of_report in groupby(lines, by_report)
    }


def _digest(value: Sequence[str]) -> str:
    return hashlib.sha256(canonical_json(list(value))).hexdigest()
