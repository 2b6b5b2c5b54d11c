"""What the sources of a stage gave: every vintage kept, what the gate said of it, which one is in force, and what could
not be had.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from expectations.contracts.ops import VINTAGES
from tasks.intake.fetch import Fetched, Remark
from tasks.intake.in_force import KnownVintage, Place, known_places
from tasks.lake.decisions import write_decisions
from tasks.lake.files import canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord
from tasks.lake.vintage_log import VintageLog
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.transforms.records.source_format import Source

VERDICTS = "verdicts"
SAID = ("verdict", "rule", "message", "against", "last_on")
VERDICTS_SCHEMA = pa.schema(
    [VINTAGES.arrow_schema().field(name).remove_metadata() for name in ("source", "uri", "vintage", *SAID)]
)
"""The working table in which a step that judges leaves what it says of the vintages that places offer."""
FETCH_REFUSED = "fetch_refused"
Verdicts = Mapping[tuple[str, str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class FetchedSource:
    """A source, and what it gave."""

    source: Source
    fetched: Fetched


def place_of(item: RawItem) -> str:
    """The place of a raw item: its uri, of a member of an archive without `#member`."""
    return item.uri if item.member is None else item.uri.removesuffix(f"#{item.member}")


def offers_of(one: FetchedSource) -> dict[str, list[RawItem]]:
    """The raw items of a source by place."""
    offers: dict[str, list[RawItem]] = {}
    for item in one.fetched.items:
        offers.setdefault(place_of(item), []).append(item)
    return offers


def noting(subject: str, *, judge: str | None = None) -> Step:
    """The step that writes down all that was fetched for a stage. `subject` names its sources; `judge` is the step
    whose verdicts count, and without one everything that was fetched is let in.
    """
    leaves = ("ops.vintages", "ops.quarantine")
    if judge is None:
        return Step("write_vintages", write_vintages, partial(vintage_batches, subject, judged=None), leaves=leaves)
    batches = partial(vintage_batches, subject)
    return Step("write_vintages", write_vintages, batches, leaves=leaves, reads={"judged": judge})


def vintage_batches(
    subject: str, lake: Lake, sources: Sequence[FetchedSource], judged: Sequence[StepRecord] | None
) -> list[Batch]:
    """The one batch of all sources: every vintage ever kept, with what is known of it."""
    verdicts = None if judged is None else read_verdicts(lake, judged)
    lines = tuple(line for one in sources for line in _vintages(lake, one, verdicts))
    faults = tuple(fault for one in sources for fault in one.fetched.set_aside)
    items = [_digest([one.source.name, item.uri, item.key]) for one in sources for item in one.fetched.items]
    known = [_digest({**asdict(line), **_times(line)}) for line in lines]
    told = [_digest([fault.source, fault.uri, fault.rule, fault.message]) for fault in faults]
    return [Batch(subject, tuple(sorted({*items, *known, *told})), (lines, faults, len(items)))]


def read_verdicts(lake: Lake, judged: Sequence[StepRecord]) -> Verdicts:
    """What the records of a step that judges say, by source, place and vintage."""
    files = [ref for record in judged for ref in record.files_of(VERDICTS)]
    rows = read_table(lake, files).to_pylist() if files else []
    return {(row["source"], row["uri"], row["vintage"]): row for row in rows}


def write_vintages(lake: Lake, payload: tuple[tuple[KnownVintage, ...], tuple[SetAside, ...], int]) -> StepOutput:
    """Write down every vintage of the sources, what could not be had, and which places live on an old vintage. Rows are
    raw items.
    """
    lines, faults, n_items = payload
    rows = pa.Table.from_pylist([asdict(line) for line in lines], schema=VINTAGES.arrow_schema())
    files = [write_table(lake, VINTAGES.qualified_name, rows)]
    if faults:
        files.append(write_table(lake, "ops.quarantine", quarantine_table(faults)))
    stale = [
        {"subject": f"{line.source}: {line.uri}", "outcome": "kept", "rule": line.trouble}
        for line in lines
        if line.trouble is not None and line.is_in_force
    ]
    set_aside = dict(Counter(fault.rule for fault in faults))
    return StepOutput((*files, *write_decisions(lake, stale)), n_items + len(faults), n_items, set_aside)


def _vintages(lake: Lake, one: FetchedSource, verdicts: Verdicts | None) -> Iterator[KnownVintage]:
    """All vintages that a source's log knows, place by place."""
    name, offers = one.source.name, offers_of(one)
    places = known_places(lake, name)
    by_place: dict[str, list[KnownVintage]] = {}
    for (uri, raw_sha256), vintage in VintageLog.read(lake, name, is_written=False).first.items():
        line = KnownVintage(name, uri, raw_sha256[:12], raw_sha256, vintage.n_bytes, vintage.fetched_at)
        by_place.setdefault(uri, []).append(line)
    for uri, lines in sorted(by_place.items()):
        place = places.get(uri, Place({}))
        offered = offers[uri][0].vintage if uri in offers else None
        said = [_with_verdict(line, place, offered, verdicts) for line in lines]
        yield from _with_standing(said, place, offered, one.fetched.remarks.get(uri))


def _with_verdict(line: KnownVintage, place: Place, offered: str | None, verdicts: Verdicts | None) -> KnownVintage:
    """What is said of a vintage now, if its place offers it; else what was said of it before."""
    before = place.vintages.get(line.vintage)
    if before is not None:
        line = replace(line, is_trusted=before.is_trusted, **{name: getattr(before, name) for name in SAID})
    if line.vintage != offered:
        return line
    if verdicts is None:
        return replace(line, verdict="accepted", is_trusted=True)
    said = verdicts[line.source, line.uri, line.vintage]
    is_trusted = bool(line.is_trusted) or said["verdict"] != "refused"
    return replace(line, is_trusted=is_trusted, **{name: said[name] for name in SAID})


def _with_standing(
    lines: Sequence[KnownVintage], place: Place, offered: str | None, remark: Remark | None
) -> Iterator[KnownVintage]:
    """The vintages of a place, marked: in force is what it offers if that was let in, else what was in force before."""
    taken = next((line.vintage for line in lines if line.vintage == offered and line.verdict != "refused"), None)
    refused = next((line for line in lines if line.vintage == offered and line.verdict == "refused"), None)
    in_force = taken
    if refused is not None and place.in_force is not None:
        in_force = place.in_force.vintage
    for line in lines:
        trouble, since = None, None
        if refused is not None and line.vintage == (in_force or refused.vintage):
            trouble, since = FETCH_REFUSED, refused.fetched_at
        elif remark is not None and line.vintage == in_force:
            trouble, since = remark.rule, remark.since
        yield replace(
            line,
            is_in_force=line.vintage == in_force,
            is_offered=line.vintage == offered and remark is None,
            is_trusted=bool(line.is_trusted),
            trouble=trouble,
            trouble_since=since,
        )


def _times(line: KnownVintage) -> dict[str, str | None]:
    moments = {"fetched_at": line.fetched_at, "last_on": line.last_on, "trouble_since": line.trouble_since}
    return {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
