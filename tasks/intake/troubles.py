"""Sources that live on an old vintage, on none, or are late, and corrections that no longer fit: what an operator must
hear of every run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifest
from tasks.lake.statements import Row, rows_of
from tasks.lake.warehouse import connect
from tasks.transforms.records.source_format import Source

FETCH_RULES = ("location_matches_nothing", "download_failed", "file_unreadable")
"""Rules by which a place gives nothing at all, as `ops.quarantine` has them."""
MOST_PLACES = 5  # of a source with the same trouble, before they are told together: our choice
LATE, NO_FIT = "late", "correction_no_longer_fits"


@dataclass(frozen=True)
class Trouble:
    """A place of a source that is not as it should be: the rule, a sentence, since when; and what is in force there
    (None: nothing), fetched when.
    """

    source: str
    uri: str
    rule: str
    message: str
    since: datetime | None
    vintage: str | None
    fetched_at: datetime | None

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since is not None else ""
        held = "nothing of it is in force"
        if self.vintage is not None and self.fetched_at is not None:
            held = f"in force stays what was fetched on {self.fetched_at:%Y-%m-%d %H:%M} UTC ({self.vintage})"
        if self.rule in {LATE, NO_FIT}:
            return f"{self.source}: {self.uri}: {self.message}"
        return f"{self.source}: {self.uri}: {self.rule}{since}; {held}" + (f"; {self.message}" if self.message else "")


def find_troubles(lake: Lake, declared: Iterable[Source] = (), *, today: date | None = None) -> list[Trouble]:
    """All troubles that the present snapshot knows of, by source and place; with those of `declared` sources that are
    late on the day `today` (None: now, UTC). None before the first snapshot that says what is in force.
    """
    if read_manifest(lake) is None:
        return []
    with connect(lake) as warehouse:
        if not rows_of(warehouse, "intake/tells_what_is_in_force"):
            return []
        found = rows_of(warehouse, "intake/troubles", {"fetch_rules": list(FETCH_RULES)})
        places = rows_of(warehouse, "intake/places")
    troubles = [Trouble(**row) for row in found]
    return [*troubles, *_late(places, declared, today or datetime.now(UTC).date())]


def in_lines(troubles: Iterable[Trouble]) -> list[str]:
    """A line for each trouble; one for all places of a source that have the same, where they are many."""
    lines: list[str] = []
    for (source, rule), group in groupby(troubles, key=lambda one: (one.source, one.rule)):
        of_one = list(group)
        if len(of_one) <= MOST_PLACES:
            lines += map(str, of_one)
            continue
        since = min((one.since for one in of_one if one.since is not None), default=None)
        when = "" if since is None else f" since {since:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{source}: {len(of_one)} places: {rule}{when}; `tidemill sources list` names them")
    return lines


def find_places(lake: Lake) -> list[Row]:
    """Every place of every source, with what is in force there; none before the first snapshot that says so."""
    if read_manifest(lake) is None:
        return []
    with connect(lake) as warehouse:
        return rows_of(warehouse, "intake/places") if rows_of(warehouse, "intake/tells_what_is_in_force") else []


def _late(places: Iterable[Row], declared: Iterable[Source], today: date) -> list[Trouble]:
    """Sources whose observations end longer ago than they are declared to."""
    last: dict[str, Row] = {}
    for row in places:
        if row["last_on"] is not None and (
            row["source"] not in last or row["last_on"] > last[row["source"]]["last_on"]
        ):
            last[row["source"]] = row
    found = []
    for source in declared:
        if source.fresh_within_days is None or source.name not in last:
            continue
        row = last[source.name]
        limit = row["last_on"] + timedelta(days=source.fresh_within_days)
        if today > limit:
            message = (
                f"its last day is {row['last_on']}, which is more than {source.fresh_within_days} days ago: "
                "look whether the producer still publishes there"
            )
            since = datetime(limit.year, limit.month, limit.day, tzinfo=UTC) + timedelta(days=1)
            found.append(Trouble(source.name, row["uri"], LATE, message, since, row["vintage"], row["fetched_at"]))
    return found
