"""The steps `write_policy` and `write_mobility_policy`: the files in force merged, corrected, less what rules of the
users' own refuse; then joined with the national mobility.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.checks import Check
from expectations.contracts.mobility import INDICES, POLICY
from tasks.intake.corrections import folders_of, load_corrections
from tasks.intake.vintages import FetchedSource
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.mobility.merging import NATIONAL, correction_digest, correction_lines, revision_lines
from tasks.mobility.origins import raw_item
from tasks.mobility.policy import PlacedRows, placed_rows
from tasks.mobility.policy_lines import policy_lines
from tasks.mobility.setting_aside import REMEDY, VINTAGES, checks_digest, own_warnings
from tasks.transforms.mobility.policy_vintages import (
    MergedPolicy,
    PolicyFile,
    join_mobility_policy,
    merge_policy,
    n_values_of,
)
from tasks.transforms.mobility.vintages import NATIONAL_SCHEMA
from tasks.transforms.records.corrections import Correction, apply_correction
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.validation.failing import rows_that_fail


@dataclass(frozen=True)
class PolicyParts:
    """The files in force, oldest first, the corrections that act on them, and the rules that set rows aside."""

    files: tuple[PlacedRows, ...]
    corrections: tuple[Correction, ...] = ()
    checks: tuple[Check, ...] = ()
    vintages: tuple[FileRef, ...] = ()


def policy_batches(
    lake: Lake,
    sources: Sequence[FetchedSource],
    write_vintages: Sequence[StepRecord],
    parse_policy: Sequence[StepRecord],
) -> list[Batch]:
    """The one batch that merges all files in force. Vintages count only where there are rules."""
    placed = placed_rows(lake, sources, parse_policy, write_vintages)
    files = tuple(one for one in placed if one.is_in_force)
    corrections = tuple(one for one in load_corrections(folders_of(sources)) if one.table == "policy")
    checks = own_warnings(POLICY, sources)
    inputs = [*map(placed_digest, files), *map(correction_digest, corrections)]
    if not checks:
        return [Batch("all", tuple(inputs), PolicyParts(files, corrections))]
    vintages = tuple(ref for record in write_vintages for ref in record.files_of(VINTAGES))
    inputs += [*(ref.sha256 for ref in vintages), checks_digest(checks)]
    return [Batch("all", tuple(inputs), PolicyParts(files, corrections, checks, vintages))]


def placed_digest(one: PlacedRows) -> str:
    """The digest of a file of rows and of its place."""
    return hashlib.sha256(canonical_json([one.rows.sha256, *map(str, one.placed)])).hexdigest()


def write_policy(lake: Lake, parts: PolicyParts) -> StepOutput:
    """Merge the files in force into `policy`. Rows are values (a jurisdiction, a day, an index)."""
    tables = [PolicyFile(one.placed.vintage, read_table(lake, one.rows)) for one in parts.files]
    merged = merge_policy(tables)
    rows, applied = merged.rows, []
    for correction in parts.corrections:
        done = apply_correction(correction, rows)
        rows = done.rows
        applied.append(done)
    lines = [*_superseded_lines(parts.files, merged), *correction_lines(parts.corrections, applied)]
    set_aside = Counter(superseded=sum(one.n_values for one in merged.superseded))
    rows, refused = _without_refused(lake, parts, rows)
    for rule in sorted(set(refused["rule"].to_pylist())):
        set_aside[rule] += n_values_of(refused.filter(pc.equal(refused["rule"], rule)))
    written = [write_table(lake, "policy", rows), *write_decisions(lake, lines), *_quarantine(lake, parts, refused)]
    n_values_in = sum(file.rows.num_rows * len(set(INDICES) & set(file.rows.column_names)) for file in tables)
    return StepOutput(tuple(written), n_values_in, n_values_of(rows), {rule: n for rule, n in set_aside.items() if n})


def _without_refused(lake: Lake, parts: PolicyParts, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows of `policy` that no rule of the users' own refuses; and those that one does, each with its `rule`."""
    refused = rows.slice(0, 0).append_column("rule", pa.nulls(0, pa.string()))
    while parts.checks:
        draft = write_table(lake, "policy", rows)
        found = rows_that_fail(lake, POLICY, [draft], parts.checks, {VINTAGES: parts.vintages})
        told = rows.join(found, list(POLICY.key), join_type="inner")
        if not told.num_rows:
            break
        refused = pa.concat_tables([refused, told.select(refused.column_names).cast(refused.schema)])
        rows = rows.join(found, list(POLICY.key), join_type="left anti").select(rows.column_names)
    return rows, refused


def _quarantine(lake: Lake, parts: PolicyParts, refused: pa.Table) -> tuple[FileRef, ...]:
    """The rows set aside, each with the source, file and line of the latest file that tells it."""
    if not refused.num_rows:
        return ()
    key = list(POLICY.key)
    vintages, found = read_table(lake, parts.vintages), list[SetAside]()
    for one in reversed(parts.files):
        here = read_table(lake, one.rows, key)
        told = refused.join(here, key, join_type="left semi").sort_by([(name, "ascending") for name in key])
        refused = refused.join(here, key, join_type="left anti")
        placed = one.placed
        item = raw_item(vintages, placed.source, placed.uri, placed.vintage) if told.num_rows else None
        keys = list(zip(told["region_id"].to_pylist(), told["observed_on"].to_pylist(), strict=True))
        lines = {} if item is None else policy_lines(lake, item, keys)
        for place, row in zip(keys, told.to_pylist(), strict=True):
            uri = f"{placed.uri}#{lines[place]}" if place in lines else placed.uri
            rule = row.pop("rule")
            message = f"{rule}: {REMEDY}"
            found.append(SetAside(POLICY.name, rule, message, row, placed.source, uri, placed.vintage))
    return (write_table(lake, "ops.quarantine", quarantine_table(found)),)


def _superseded_lines(files: Sequence[PlacedRows], merged: MergedPolicy) -> list[dict[str, object]]:
    """Ledger lines: what later files replaced of each."""
    lines: list[dict[str, object]] = []
    for one in merged.superseded:
        placed = files[one.file].placed
        mean = None if np.isnan(one.mean_revision) else one.mean_revision
        subject = f"{placed.source}: {placed.uri} {placed.vintage}"
        lines += revision_lines(subject, one.n_values, one.n_revised, mean)
    return lines


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
