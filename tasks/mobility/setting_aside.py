"""The step `write_mobility`: rows that rules of the users' own refuse are set aside, and the parts that held them made
again without them, so that nothing is derived from what was set aside.

A rule may speak of what is derived (a mean): so the rules are asked again until they find nothing. Rules that compare
with the last snapshot, or ask other tables, are left to the publish. Without such rules the step hands on what
`merge_mobility` made.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from expectations.checks import Check
from expectations.contracts.mobility import MOBILITY
from expectations.suites import BESIDE_SOURCES, PACKAGE_SUITES, own_checks
from expectations.table_contract import TableContract
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.merging import MergePart, merged_part, part_files
from tasks.mobility.naming import part_of
from tasks.mobility.origins import RefusedRow, line_numbers, refused_rows
from tasks.transforms.mobility.mending import without
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.validation.failing import rows_that_fail, tables_to_refer
from tasks.validation.queries import is_comparison
from tasks.validation.reports import sets_aside

VINTAGES = "ops.vintages"
REMEDY = "correct it at its source, write a correction, or change the rule where it asks too much"
ROWS_AT_ONCE = 20_000  # our choice: some 20 MB of rows as they came
NOTHING = pa.table(
    {name: pa.array([], MOBILITY.column(name).type) for name in MOBILITY.key} | {"rule": pa.array([], pa.string())}
)
"""No row that a rule refuses: the columns of the key, and the rule."""


@dataclass(frozen=True)
class Drafts:
    """What `merge_mobility` left of each part; where there are checks, what each part is made of, and what they ask."""

    files: tuple[tuple[FileRef, ...], ...]
    parts: tuple[MergePart, ...] = ()
    checks: tuple[Check, ...] = ()
    vintages: tuple[FileRef, ...] = ()


def own_warnings(contract: TableContract, sources: Iterable[FetchedSource]) -> tuple[Check, ...]:
    """The checks of the users' own that set rows of a table aside, and ask no other table than that of vintages."""
    folders = [PACKAGE_SUITES, *sorted({Path(one.source.folder) / BESIDE_SOURCES for one in sources})]
    return tuple(
        check
        for check in own_checks(contract, folders)
        if sets_aside(check) and not is_comparison(check) and set(tables_to_refer(contract, [check])) <= {VINTAGES}
    )


def checks_digest(checks: Sequence[Check]) -> str:
    """The digest of all that the checks ask."""
    return hashlib.sha256(repr(checks).encode()).hexdigest()


def setting_batches(
    sources: Sequence[FetchedSource],
    write_vintages: Sequence[StepRecord],
    merge_mobility_batches: Sequence[Batch],
    merge_mobility: Sequence[StepRecord],
) -> list[Batch]:
    """The one batch of all parts; what they are made of counts only where there are checks."""
    drafts = [tuple(ref for ref in record.files if not ref.table.startswith("ops.")) for record in merge_mobility]
    checks = own_warnings(MOBILITY, sources)
    inputs = [ref.sha256 for draft in drafts for ref in draft]
    if not checks:
        return [Batch("all", tuple(inputs), Drafts(tuple(drafts)))]
    vintages = [ref for record in write_vintages for ref in record.files_of(VINTAGES)]
    inputs += [digest for batch in merge_mobility_batches for digest in batch.inputs]
    inputs += [*(ref.sha256 for ref in vintages), checks_digest(checks)]
    parts = tuple(batch.payload for batch in merge_mobility_batches)
    return [Batch("all", tuple(inputs), Drafts(tuple(drafts), parts, checks, tuple(vintages)))]


def write_mobility(lake: Lake, drafts: Drafts) -> StepOutput:
    """Hand on the parts, those anew of which rows are set aside. Rows are those of the long table."""
    kept = list(drafts.files)
    n_rows_in, refused = _n_rows(kept), NOTHING
    while drafts.checks:
        found = rows_that_fail(lake, MOBILITY, _mobility(kept), drafts.checks, {VINTAGES: drafts.vintages})
        refused, n_before = pa.concat_tables([refused, found]), _n_rows(kept)
        touched = parts_of(found)
        for place, part in enumerate(drafts.parts):
            if part.number in touched:
                merged, _, _ = merged_part(lake, part)
                kept[place] = part_files(lake, without(merged, refused))
        if _n_rows(kept) == n_before:
            break
    quarantine = _quarantine(lake, drafts, refused) if refused.num_rows else ()
    files = (*(ref for draft in kept for ref in draft), *quarantine)
    return StepOutput(files, n_rows_in, _n_rows(kept), dict(Counter(refused["rule"].to_pylist())))


def _quarantine(lake: Lake, drafts: Drafts, refused: pa.Table) -> tuple[FileRef, ...]:
    """The rows set aside, each with the source, file and line from which it came."""
    touched = parts_of(refused)
    rows = [row for part in drafts.parts if part.number in touched for row in refused_rows(lake, part, refused)]
    vintages = read_table(lake, drafts.vintages)
    found = [_set_aside(row, line) for row, line in zip(rows, line_numbers(lake, vintages, rows), strict=True)]
    starts = range(0, len(found), ROWS_AT_ONCE)
    return tuple(
        write_table(lake, "ops.quarantine", quarantine_table(found[start : start + ROWS_AT_ONCE])) for start in starts
    )


def _set_aside(row: RefusedRow, line: int | None) -> SetAside:
    placed = row.report.named.placed
    uri = placed.uri if line is None else f"{placed.uri}#{line}"
    message = f"{row.rule}: {REMEDY}"
    return SetAside(MOBILITY.name, row.rule, message, row.told, placed.source, uri, placed.vintage)


def parts_of(keys: pa.Table) -> set[int]:
    """The parts of the table that hold the rows which `keys` name."""
    return {part_of(one.partition("/")[0]) for one in pc.unique(keys["region_id"]).to_pylist()}


def _n_rows(drafts: Sequence[tuple[FileRef, ...]]) -> int:
    return sum(ref.n_rows for ref in _mobility(drafts))


def _mobility(drafts: Sequence[tuple[FileRef, ...]]) -> list[FileRef]:
    return [ref for draft in drafts for ref in draft if ref.table == MOBILITY.name]
