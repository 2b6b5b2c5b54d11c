"""The step `parse_mobility`: raw reports in, wide rows and their regions out, every row that is broken in the
quarantine.

Working tables: `mobility_rows`, one file a report, in its order; `mobility_regions`, one row a region of a report. Both
together keep a vintage's history queryable, also where later vintages replace its rows in `mobility`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from tasks.intake.set_aside_rows import QuarantineOf
from tasks.intake.trusted import trusted_items
from tasks.intake.vintages import FetchedSource
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, canonical_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem, open_raw, read_raw
from tasks.lake.steps import Batch, StepOutput, cut_by_content
from tasks.mobility.parsed_files import ParsedItem, parsed_item, write_parsed
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA, Findings, ReportReader, read_header
from tasks.transforms.records.delimited import FOOTNOTE, RefusedFileError, whole_lines

ROWS, REGIONS = "mobility_rows", "mobility_regions"
ROWS_PER_GROUP = 16_384  # some fifteen regions of three years: a merge reads the groups of its part's countries alone
# On average and at most. Our choice: the 208 real members of half a megabyte each make 13 batches of one or two
# seconds; a wide policy file of three years takes half a second.
ITEMS_OF_BATCH = {"mobility": (16, 48), "policy": (4, 16)}
REGIONS_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("rows_sha256", "source", "uri", "vintage")),
        pa.field("last_on", pa.date32()),
        pa.field("region_no", pa.int32()),
        *(pa.field(name, pa.string()) for name in Region._fields),
        pa.field("n_rows", pa.int64()),
    ]
)
"""Regions that have rows: `region_no` as in the report's file of rows, whose digest is `rows_sha256`; `last_on` is the
report's.
"""


@dataclass(frozen=True)
class ParsedReport:
    """What one raw item gave: its file of rows (None: no rows), its regions, files for the quarantine, ledger lines,
    counts.
    """

    rows: FileRef | None
    regions: list[dict[str, object]]
    quarantine: tuple[FileRef, ...]
    ledger: list[dict[str, object]]
    n_rows_in: int
    set_aside: Counter[str]
    told: ParsedItem


def parse_batches(kind: str, lake: Lake, sources: Sequence[FetchedSource]) -> list[Batch]:
    """The batches of the items of all sources of a kind: what their places offer, and every vintage of theirs that was
    ever let in. A new or changed item makes its own batch due, no other.
    """
    average, most = ITEMS_OF_BATCH[kind]
    return [
        Batch(f"{one.source.name}: {batch[0].uri} {batch[0].vintage}", tuple(map(item_digest, batch)), tuple(batch))
        for one in sources
        if one.source.kind == kind
        for batch in cut_by_content(
            [*one.fetched.items, *trusted_items(lake, one)], _by_content, average=average, most=most
        )
    ]


def item_digest(item: RawItem) -> str:
    """The digest of what a parser uses of an item: the bytes, where they came from, the day of their fetch."""
    return hashlib.sha256(
        canonical_json([item.key, item.source, item.uri, item.fetched_at.date().isoformat()])
    ).hexdigest()


def parse_mobility(lake: Lake, items: tuple[RawItem, ...]) -> StepOutput:
    """Parse the items of a batch. Rows are lines of the reports; a report that is refused whole counts all its lines,
    at least one.
    """
    parsed = [parse_report(lake, item, stream) for item, stream in read_raw(lake, items)]
    set_aside: Counter[str] = Counter()
    for one in parsed:
        set_aside.update(one.set_aside)
    files = [ref for one in parsed for ref in (one.rows, *one.quarantine) if ref is not None]
    regions = [region for one in parsed for region in one.regions]
    ledger = [line for one in parsed for line in one.ledger]
    if regions:
        files.append(write_table(lake, REGIONS, pa.Table.from_pylist(regions, schema=REGIONS_SCHEMA)))
    files += [*write_decisions(lake, ledger), write_parsed(lake, [one.told for one in parsed])]
    n_rows_out = sum(one.rows.n_rows for one in parsed if one.rows is not None)
    return StepOutput(tuple(dict.fromkeys(files)), sum(one.n_rows_in for one in parsed), n_rows_out, dict(set_aside))


def parse_report(lake: Lake, item: RawItem, opened: BinaryIO | BadInputError) -> ParsedReport:
    """One report, in as many passes as its findings need (nearly always one); `opened` is what the first pass reads.

    What is wrong with the file itself ends in the quarantine, never in an error.
    """
    findings, n_rows_in = Findings(), 0
    try:
        while True:
            if isinstance(opened, BadInputError):
                raise opened
            quarantine = QuarantineOf(lake, "mobility", item)
            with opened as stream:
                try:
                    header = read_header(stream)
                except RefusedFileError:
                    n_rows_in = _n_lines(stream)
                    raise
                reader = ReportReader(header, item.fetched_at.date(), quarantine.add, findings)
                try:
                    rows = write_table(
                        lake, ROWS, reader.batches(stream), schema=WIDE_SCHEMA, rows_per_group=ROWS_PER_GROUP
                    )
                finally:
                    n_rows_in = reader.n_rows_in
            better = reader.verdict()
            if better is None:
                return _parsed(item, reader, rows, quarantine)
            findings, opened = better, open_raw(lake, item)
    except (BadInputError, RefusedFileError) as fault:
        n_rows_in = max(1, n_rows_in)
        quarantine = QuarantineOf(lake, "mobility", item)  # rows told before count with their file
        quarantine.add_file(fault.rule, str(fault), n_rows_in)
        told = parsed_item(item, None, n_rows_in, quarantine.counts, fault)
        return ParsedReport(None, [], quarantine.close(), [], n_rows_in, quarantine.counts, told)


def _parsed(item: RawItem, reader: ReportReader, rows: FileRef, quarantine: QuarantineOf) -> ParsedReport:
    line: dict[str, object] = {
        "subject": f"{item.source}: {item.uri}",
        "outcome": "kept",
        "n_rows_in": reader.n_rows_in,
        "n_rows_out": reader.n_rows_out,
    }
    ledger = [{**line, "rule": f"column_unknown: {name}"} for name in reader.header.unknown]
    if not reader.n_rows_in:
        ledger.append({**line, "rule": "header_only"})
    if reader.n_blank:
        ledger.append({**line, "outcome": "changed", "rule": "not_available_in_words", "n_rows_out": reader.n_blank})
    described = {
        "rows_sha256": rows.sha256,
        "source": item.source,
        "uri": item.uri,
        "vintage": item.vintage,
        "last_on": reader.last_on,
    }
    regions: list[dict[str, object]] = [
        {**described, "region_no": number, **region._asdict(), "n_rows": n_rows}
        for number, (region, n_rows) in enumerate(zip(reader.regions.regions, reader.regions.n_rows, strict=True))
        if n_rows
    ]
    kept = rows if reader.n_rows_out else None
    set_aside = quarantine.counts + Counter({rule: n for rule, n in reader.set_aside.items() if rule == FOOTNOTE})
    told = parsed_item(item, kept, reader.n_rows_in, set_aside)
    return ParsedReport(kept, regions, quarantine.close(), ledger, reader.n_rows_in, set_aside, told)


def _by_content(item: RawItem) -> str:
    return f"{item.key} {item.uri}"


def _n_lines(stream: BinaryIO) -> int:
    """The lines that are left of a refused file; 0 where they cannot be counted."""
    try:
        return sum(content.count(b"\n") for content in whole_lines(stream))
    except (BadInputError, RefusedFileError):
        return 0
