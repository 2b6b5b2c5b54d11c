"""The policy part of the stage `mobility`: the tracker's files parsed, merged by vintage, and joined with the national
mobility.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.contracts.mobility import INDICES
from tasks.intake.set_aside_rows import QuarantineOf
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.merging import NATIONAL, revision_lines
from tasks.transforms.mobility.policy_files import read_policy_file
from tasks.transforms.mobility.policy_vintages import PolicyFile, join_mobility_policy, merge_policy
from tasks.transforms.mobility.vintages import NATIONAL_SCHEMA
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


def parse_policy(lake: Lake, items: tuple[RawItem, ...]) -> StepOutput:
    """Parse the items of a batch. A row is a jurisdiction's day in a file, a file refused whole counts as one."""
    parsed = [_parse_file(lake, item, stream) for item, stream in read_raw(lake, items)]
    set_aside: Counter[str] = Counter()
    for one in parsed:
        set_aside.update(one.set_aside)
    files = tuple(ref for one in parsed for ref in (one.rows, *one.quarantine) if ref is not None)
    n_rows_out = sum(one.rows.n_rows for one in parsed if one.rows is not None)
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
        return ParsedFile(None, quarantine.close(), 1, quarantine.counts)
    for row in rows.broken:
        quarantine.add(row)
    last_on = "" if rows.last_day is None else (date(1970, 1, 1) + timedelta(days=rows.last_day)).isoformat()
    origin = dict(zip(ORIGIN, (item.source, item.uri, item.vintage, last_on), strict=True))
    table = rows.table().replace_schema_metadata(origin)
    return ParsedFile(write_table(lake, ROWS, table), quarantine.close(), rows.n_rows_in, Counter(rows.set_aside))


def merge_batches(parse_policy: Sequence[StepRecord]) -> list[Batch]:
    """The one batch that merges all files of rows."""
    files = tuple(sorted({ref for record in parse_policy for ref in record.files_of(ROWS)}, key=lambda ref: ref.sha256))
    return [Batch("all", tuple(ref.sha256 for ref in files), files)]


def write_policy(lake: Lake, files: tuple[FileRef, ...]) -> StepOutput:
    """Merge all files into `policy`. Rows are values (a jurisdiction, a day, an index): in = out + superseded."""
    named = sorted(
        ((_origin(lake, ref), ref) for ref in files), key=lambda one: (one[0]["last_on"], one[0]["uri"], one[1].sha256)
    )
    tables = [PolicyFile(origin["vintage"], read_table(lake, ref)) for origin, ref in named]
    merged = merge_policy(tables)
    written = [write_table(lake, "policy", merged.rows)]
    lines: list[dict[str, object]] = []
    for one in merged.superseded:
        origin = named[one.file][0]
        mean = None if np.isnan(one.mean_revision) else one.mean_revision
        subject = f"{origin['source']}: {origin['uri']} {origin['vintage']}"
        lines += revision_lines(subject, one.n_values, one.n_revised, mean)
    written += write_decisions(lake, lines)
    n_values_in = sum(file.rows.num_rows * len(set(INDICES) & set(file.rows.column_names)) for file in tables)
    n_superseded = sum(one.n_values for one in merged.superseded)
    return StepOutput(
        tuple(written), n_values_in, merged.n_values, {"superseded": n_superseded} if n_superseded else {}
    )


def join_batches(write_mobility: Sequence[StepRecord], write_policy: Sequence[StepRecord]) -> list[Batch]:
    """The one batch that joins national mobility and policy."""
    national = tuple(
        sorted({ref for record in write_mobility for ref in record.files_of(NATIONAL)}, key=lambda ref: ref.sha256)
    )
    rules = tuple(ref for record in write_policy for ref in record.files_of("policy"))
    return [Batch("all", tuple(ref.sha256 for ref in (*national, *rules)), (national, rules))]


def write_mobility_policy(lake: Lake, payload: tuple[tuple[FileRef, ...], tuple[FileRef, ...]]) -> StepOutput:
    """Join, one to one, into `mobility_policy`. Rows in are the distinct country-days of both sides."""
    national_files, policy_files = payload
    policy = read_table(lake, policy_files)
    national = read_table(lake, national_files) if national_files else NATIONAL_SCHEMA.empty_table()
    joined = join_mobility_policy(national, policy)
    country_days = {
        *_country_days(national),
        *_country_days(policy.filter(pc.equal(policy["region_id"], policy["country_code"]))),
    }
    return StepOutput((write_table(lake, "mobility_policy", joined),), len(country_days), joined.num_rows)


def _country_days(rows: pa.Table) -> list[tuple[str, date]]:
    return list(zip(rows["country_code"].to_pylist(), rows["observed_on"].to_pylist(), strict=True))


def _origin(lake: Lake, ref: FileRef) -> dict[str, str]:
    """Where a file of rows comes from, and the last day for which it has a value (ISO, empty: none)."""
    metadata = pq.read_schema(lake.locate(ref.path)).metadata
    return {name: metadata[name.encode()].decode() for name in ORIGIN}
