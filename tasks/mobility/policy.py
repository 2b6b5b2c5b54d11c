"""The policy part of the stage `mobility`: the tracker's files parsed, merged by vintage, and joined with the national mobility."""

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
from expectations.contracts.ops import LEDGER
from tasks.intake.set_aside_rows import QuarantineOf
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem, read_raw
from tasks.lake.steps import Step, StepOutput, StepRecord, Work, cut_by_content
from tasks.mobility.merging import NATIONAL
from tasks.mobility.parsing import item_digest
from tasks.transforms.mobility.policy_files import read_policy_file
from tasks.transforms.mobility.policy_vintages import PolicyFile, join_mobility_policy, merge_policy
from tasks.transforms.mobility.vintages import NATIONAL_SCHEMA
from tasks.transforms.records.delimited import RefusedFileError

PARSE = Step("parse_policy", ("tasks.transforms.mobility.policy_files", "tasks.transforms.records.quarantine"))
MERGE = Step("write_policy", ("tasks.transforms.mobility.policy_vintages",))
JOIN = Step("write_mobility_policy", ("tasks.transforms.mobility.policy_vintages",))
ROWS = "policy_rows"
# Our choice: a wide file of three years takes half a second.
ITEMS_PER_BATCH, MOST_ITEMS_PER_BATCH = 4, 16
ORIGIN = ("source", "uri", "vintage", "last_on")  # what a file of rows says of itself, in its schema's metadata


@dataclass(frozen=True)
class ParsedFile:
    """What one raw item gave: its file of rows (None: refused), files for the quarantine, counts."""

    rows: FileRef | None
    quarantine: tuple[FileRef, ...]
    n_rows_in: int
    set_aside: Counter[str]


def parse_works(source: str, items: Sequence[RawItem]) -> list[Work]:
    """The batches of a source's items. A new or changed item makes its own batch due, no other."""
    batches = cut_by_content(
        items, lambda item: f"{item.key} {item.uri}", average=ITEMS_PER_BATCH, most=MOST_ITEMS_PER_BATCH
    )
    return [Work(PARSE, f"{source}: {batch[0].uri}", tuple(map(item_digest, batch)), tuple(batch)) for batch in batches]


def parse_body(lake: Lake, items: tuple[RawItem, ...]) -> StepOutput:
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


def merge_works(parsed: Sequence[StepRecord]) -> list[Work]:
    """The one work that merges all files of rows."""
    files = tuple(sorted({ref for record in parsed for ref in record.files_of(ROWS)}, key=lambda ref: ref.sha256))
    return [Work(MERGE, "all", tuple(ref.sha256 for ref in files), files)]


def merge_body(lake: Lake, files: tuple[FileRef, ...]) -> StepOutput:
    """Merge all files into `policy`. Rows are values (a jurisdiction, a day, an index): in = out + superseded."""
    named = sorted(
        ((_origin(lake, ref), ref) for ref in files), key=lambda one: (one[0]["last_on"], one[0]["uri"], one[1].sha256)
    )
    tables = [PolicyFile(origin["vintage"], read_table(lake, ref)) for origin, ref in named]
    merged = merge_policy(tables)
    written = [write_table(lake, "policy", merged.rows)]
    ledger = []
    for one in merged.superseded:
        origin = named[one.file][0]
        line = {
            "subject": f"{origin['source']}: {origin['uri']} {origin['vintage']}", "subject_kind": "batch", "stage": MERGE.name,
            "n_rows_in": one.n_values, "code_version": MERGE.code_version,
        }  # fmt: skip
        ledger.append({**line, "outcome": "set_aside", "rule": "superseded", "n_rows_out": one.n_values})
        mean = None if np.isnan(one.mean_revision) else one.mean_revision
        ledger.append(
            {
                **line,
                "outcome": "changed",
                "rule": "revised_by_later_vintage",
                "n_rows_out": one.n_revised,
                "score": mean,
            }
        )
    if ledger:
        written.append(write_table(lake, "ops.ledger", pa.Table.from_pylist(ledger, schema=LEDGER.arrow_schema())))
    n_values_in = sum(file.rows.num_rows * len(set(INDICES) & set(file.rows.column_names)) for file in tables)
    n_superseded = sum(one.n_values for one in merged.superseded)
    return StepOutput(
        tuple(written), n_values_in, merged.n_values, {"superseded": n_superseded} if n_superseded else {}
    )


def join_works(mobility: Sequence[StepRecord], policy: Sequence[StepRecord]) -> list[Work]:
    """The one work that joins national mobility and policy."""
    national = tuple(
        sorted({ref for record in mobility for ref in record.files_of(NATIONAL)}, key=lambda ref: ref.sha256)
    )
    rules = tuple(ref for record in policy for ref in record.files_of("policy"))
    return [Work(JOIN, "all", tuple(ref.sha256 for ref in (*national, *rules)), (national, rules))]


def join_body(lake: Lake, payload: tuple[tuple[FileRef, ...], tuple[FileRef, ...]]) -> StepOutput:
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
