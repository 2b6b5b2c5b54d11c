"""The step `parse_policy`: the tracker's files in, their rows out, every row that is broken in the quarantine.

Working table `policy_rows`: a file for each raw item. Its schema's metadata say where it comes from (ORIGIN).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import BinaryIO

import pyarrow.parquet as pq

from tasks.intake.set_aside_rows import QuarantineOf
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import StepOutput, StepRecord
from tasks.mobility.naming import nth_fetches
from tasks.mobility.parsed_files import ParsedItem, parsed_item, write_parsed
from tasks.mobility.standing import fetch_of, read_standing
from tasks.transforms.mobility.policy_files import read_policy_file
from tasks.transforms.mobility.vintage_order import FileVintage, PlacedVintage, in_order
from tasks.transforms.records.delimited import RefusedFileError

ROWS = "policy_rows"
ORIGIN = ("source", "uri", "vintage", "last_on")  # what a file of rows says of itself, in its schema's metadata


@dataclass(frozen=True)
class ParsedFile:
    """What one raw item gave: its file of rows (None: refused), files for the quarantine, counts."""

    rows: FileRef | None
    quarantine: tuple[FileRef, ...]
    n_rows_in: int
    set_aside: Counter[str]
    told: ParsedItem


@dataclass(frozen=True)
class PlacedRows:
    """A file of rows, its place among all, and whether it is in force."""

    rows: FileRef
    placed: PlacedVintage
    is_in_force: bool


def parse_policy(lake: Lake, items: tuple[RawItem, ...]) -> StepOutput:
    """Parse the items of a batch. A row is a jurisdiction's day in a file, a file refused whole counts as one."""
    parsed = [_parse_file(lake, item, stream) for item, stream in read_raw(lake, items)]
    set_aside: Counter[str] = Counter()
    for one in parsed:
        set_aside.update(one.set_aside)
    files = tuple(ref for one in parsed for ref in (one.rows, *one.quarantine) if ref is not None)
    n_rows_out = sum(one.rows.n_rows for one in parsed if one.rows is not None)
    files += (write_parsed(lake, [one.told for one in parsed]),)
    return StepOutput(files, sum(one.n_rows_in for one in parsed), n_rows_out, dict(set_aside))


def _parse_file(lake: Lake, item: RawItem, opened: BinaryIO | BadInputError) -> ParsedFile:
    quarantine = QuarantineOf(lake, "policy", item)
    try:
        if isinstance(opened, BadInputError):
            raise opened
        with opened as stream:
            rows = read_policy_file(stream, item.uri, item.fetched_at.date())
    except (BadInputError, RefusedFileError) as fault:
        quarantine.add_file(fault.rule, str(fault), 1)
        told = parsed_item(item, None, 1, quarantine.counts, fault)
        return ParsedFile(None, quarantine.close(), 1, quarantine.counts, told)
    for row in rows.broken:
        quarantine.add(row)
    last_on = "" if rows.last_day is None else (date(1970, 1, 1) + timedelta(days=rows.last_day)).isoformat()
    origin = dict(zip(ORIGIN, (item.source, item.uri, item.vintage, last_on), strict=True))
    table = rows.table().replace_schema_metadata(origin)
    written, set_aside = write_table(lake, ROWS, table), Counter(rows.set_aside)
    told = parsed_item(item, written, rows.n_rows_in, set_aside)
    return ParsedFile(written, quarantine.close(), rows.n_rows_in, set_aside, told)


def placed_rows(
    lake: Lake,
    sources: Sequence[FetchedSource],
    parse_policy: Sequence[StepRecord],
    write_vintages: Sequence[StepRecord],
) -> list[PlacedRows]:
    """The files of rows of every trusted fetch, oldest first. Of an archive each member counts as reaching its last
    day.
    """
    standing = read_standing(lake, write_vintages, sources)
    nth = nth_fetches(standing)
    order_of = {one.source.name: one.source.order for one in sources}
    told = {}
    for ref in {ref for record in parse_policy for ref in record.files_of(ROWS)}:
        origin = _origin(lake, ref)
        fetch = fetch_of(standing, origin["source"], origin["uri"], origin["vintage"])
        if fetch is not None:
            told[origin["source"], origin["uri"], origin["vintage"]] = ref, origin["last_on"], fetch
    reach: dict[str, str] = {}
    for (_, _, vintage), (_, last_day, _) in told.items():
        reach[vintage] = max(reach.get(vintage, ""), last_day)
    vintages = []
    for (source, uri, vintage), (_, _, fetch) in told.items():
        last_on = date.fromisoformat(reach[vintage]) if reach[vintage] else None
        order = order_of.get(source, "reach")
        fetched_at = standing[fetch].fetched_at
        vintages.append(FileVintage(source, uri, vintage, last_on, fetched_at, nth[fetch], order))
    found = []
    for one in in_order(vintages):
        ref, _, fetch = told[one.source, one.uri, one.vintage]
        found.append(PlacedRows(ref, one, standing[fetch].is_in_force))
    return found


def _origin(lake: Lake, ref: FileRef) -> dict[str, str]:
    """Where a file of rows comes from, and the last day for which it has a value (ISO, empty: none)."""
    metadata = pq.read_schema(lake.locate(ref.path)).metadata
    return {name: metadata[name.encode()].decode() for name in ORIGIN}
