"""The step `judge_fetches`: what every place of a source offers, held against what is in force there, before anything
is merged. What it refuses is read by no later step; what was in force stays.

A fetch is judged whole: of an archive all members together.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from tasks.intake.in_force import known_places
from tasks.intake.vintages import VERDICTS, VERDICTS_SCHEMA, FetchedSource, offers_of
from tasks.lake.decisions import write_decisions
from tasks.lake.files import canonical_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.lake.vintage_log import VintageLog
from tasks.mobility.panels import RowFiles, countries_by_uri, mobility_panels, policy_panels, row_files
from tasks.mobility.parsed_files import ParsedItem, read_parsed
from tasks.transforms.mobility.gate import UNREADABLE, in_words, judge, stops
from tasks.transforms.mobility.gate_panel import Finding, Panel, Severity
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE, GateSettings
from tasks.transforms.records.quarantine import SetAside, quarantine_table

SETTINGS: Mapping[str, GateSettings] = {"mobility": MOBILITY_GATE, "policy": POLICY_GATE}


@dataclass(frozen=True)
class Offer:
    """What a place offers: a vintage and what parsing made of its items; the same of what is in force (none: nothing
    is), and whether a person let the vintage in.
    """

    place: str
    vintage: str
    fetched_at: datetime
    items: tuple[ParsedItem, ...]
    against: str | None
    old_items: tuple[ParsedItem, ...]
    is_released: bool


@dataclass(frozen=True)
class SourceOffers:
    """All that the places of a source offer, and where the rows of their items lie."""

    source: str
    kind: str
    offers: tuple[Offer, ...]
    files: RowFiles


def judge_batches(
    lake: Lake,
    sources: Sequence[FetchedSource],
    parse_mobility: Sequence[StepRecord],
    parse_policy: Sequence[StepRecord],
) -> list[Batch]:
    """A batch for each source that offers anything."""
    parsed = read_parsed(lake, [*parse_mobility, *parse_policy])
    batches = []
    for one in sources:
        name, log = one.source.name, VintageLog.read(lake, one.source.name, is_written=False)
        places, offers = known_places(lake, name), []
        for place, items in sorted(offers_of(one).items()):
            vintage = items[0].vintage
            against = places[place].against(vintage) if place in places else None
            old = () if against is None else tuple(parsed.get((name, place, against), ()))
            new = tuple(parsed[name, place, vintage])
            is_released = (place, items[0].raw_sha256) in log.released
            offers.append(Offer(place, vintage, items[0].fetched_at, new, against, old, is_released))
        if not offers:
            continue
        settings = SETTINGS[one.source.kind]
        of_kind = parse_mobility if one.source.kind == "mobility" else parse_policy
        files = row_files(one.source.kind, of_kind, [item for one in offers for item in (*one.items, *one.old_items)])
        payload = SourceOffers(name, one.source.kind, tuple(offers), files)
        batches.append(Batch(name, tuple(map(_digest, offers)), payload, asdict(settings)))
    return batches


def judge_fetches(lake: Lake, given: SourceOffers) -> StepOutput:
    """Leaves a verdict on each offer; those refused in the quarantine and the ledger. Rows are those that parsing kept
    of what is offered: a refused fetch is set aside with all of them, under the first rule that it breaks.
    """
    verdicts: list[dict[str, Any]] = []
    lines: list[dict[str, object]] = []
    aside: list[SetAside] = []
    set_aside: Counter[str] = Counter()
    n_in = n_out = 0
    for offer in given.offers:
        findings, last_on, n_rows = _look_at(lake, given, offer)
        verdict = _verdict(findings, offer)
        n_in += n_rows
        message = None
        if findings:
            message = in_words(findings)
            lines += _ledger_lines(given.source, offer, findings, verdict, n_rows)
        if verdict == "refused":
            rule = next(finding.rule for finding in findings if finding.severity == "stop")
            remedy = ", or let it in with `tidemill quarantine release`" if is_readable(offer.items, findings) else ""
            message = f"{message}: mend it upstream{remedy}"
            set_aside.update({rule: n_rows})
            if any(item.rule is None for item in offer.items):  # else parsing has told it
                row = {"place": offer.place, "vintage": offer.vintage, "against": offer.against}
                told = f"{offer.place}: {message}"
                aside.append(SetAside(given.kind, rule, told, row, given.source, offer.place, offer.vintage))
        else:
            n_out += n_rows
        rules = ", ".join(dict.fromkeys(finding.rule for finding in findings)) or None
        verdicts.append(
            {
                "source": given.source,
                "uri": offer.place,
                "vintage": offer.vintage,
                "verdict": verdict,
                "rule": rules,
                "message": message,
                "against": offer.against,
                "last_on": last_on,
            }
        )
    files = [write_table(lake, VERDICTS, pa.Table.from_pylist(verdicts, schema=VERDICTS_SCHEMA))]
    if aside:
        files.append(write_table(lake, "ops.quarantine", quarantine_table(aside)))
    counted = {rule: n for rule, n in set_aside.items() if n}
    return StepOutput((*files, *write_decisions(lake, lines)), n_in, n_out, counted)


def _look_at(lake: Lake, given: SourceOffers, offer: Offer) -> tuple[list[Finding], date | None, int]:
    """What is found on an offer, its last day, and its rows."""
    findings = list(_refused_items(offer))
    panels = mobility_panels if given.kind == "mobility" else policy_panels
    is_same = offer.against == offer.vintage
    old, new = panels(lake, given.files, () if is_same else offer.old_items, offer.items)
    last_on = date(1970, 1, 1) + timedelta(days=int(new.days.max())) if len(new.days) else None
    n_rows = sum(given.files.n_rows[item.rows_sha256] for item in offer.items if item.rows_sha256 is not None)
    if not stops(findings) and not is_same:
        beside = _beside(lake, given, offer) if offer.against is None else ()
        findings += judge(old if offer.old_items else None, new, SETTINGS[given.kind], beside)
    return findings, last_on, n_rows


def _beside(lake: Lake, given: SourceOffers, offer: Offer) -> Iterator[Panel]:
    """What the places of the source before this one offer, as far as they tell of one of its countries."""
    others = [other for other in given.offers if other.place < offer.place]
    told = countries_by_uri(lake, given.files) if others else {}
    countries = _countries(told, offer)
    panels = mobility_panels if given.kind == "mobility" else policy_panels
    for other in others:
        if countries & _countries(told, other):
            yield panels(lake, given.files, other.items, offer.items)[0]


def _countries(told: Mapping[str, frozenset[str]], offer: Offer) -> frozenset[str]:
    return frozenset().union(*(told.get(item.uri, frozenset()) for item in offer.items))


def _refused_items(offer: Offer) -> Iterator[Finding]:
    """Items that parsing refused whole. Of a first archive the others may go on without them."""
    refused = [item for item in offer.items if item.rule is not None]
    is_all = len(refused) == len(offer.items)
    for item in refused:
        severity: Severity = "stop" if is_all or offer.against is not None else "warn"
        told = item.message if item.uri == offer.place else f"{item.uri}: {item.message}"
        yield Finding(str(item.rule), severity, str(told), 1.0, 0.0)


def _verdict(findings: Sequence[Finding], offer: Offer) -> str:
    if not findings:
        return "accepted"
    if not stops(findings):
        return "warned"
    return "released" if offer.is_released and is_readable(offer.items, findings) else "refused"


def is_readable(items: Sequence[ParsedItem], findings: Sequence[Finding]) -> bool:
    """Whether a fetch has all that tables could be made from it: only then a person can let it in."""
    return all(item.rule is None for item in items) and not {one.rule for one in findings} & UNREADABLE


def _ledger_lines(
    source: str, offer: Offer, findings: Sequence[Finding], verdict: str, n_rows: int
) -> Iterator[dict[str, object]]:
    """A line for each rule, with the worst score."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        if finding.rule not in worst or abs(finding.score) > abs(worst[finding.rule].score):
            worst[finding.rule] = finding
    first = next((finding.rule for finding in findings if finding.severity == "stop"), None)
    for rule, finding in worst.items():
        yield {
            "subject": f"{source}: {offer.place} {offer.vintage}",
            "outcome": "set_aside" if verdict == "refused" else "kept",
            "rule": rule,
            "score": finding.score,
            "threshold": finding.threshold,
            "n_rows_in": None if verdict == "refused" else n_rows,
            "n_rows_out": None if verdict == "refused" else n_rows,
            "n_rows_set_aside": n_rows if verdict == "refused" and rule == first else None,
        }


def _digest(offer: Offer) -> str:
    told = {**asdict(offer), "fetched_at": offer.fetched_at.astimezone(UTC).date().isoformat()}
    return hashlib.sha256(canonical_json(told)).hexdigest()
