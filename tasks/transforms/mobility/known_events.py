"""Documented breaks of series: read from YAML into rows of `known_events`, and which rows of mobility they mark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import yaml

from expectations.contracts.adjustments import KNOWN_EVENTS, OBSERVED
from expectations.contracts.mobility import CATEGORIES, INDICES
from expectations.table_contract import repeated_key, split_rows

SERIES = {"mobility": CATEGORIES, "policy": INDICES}


class KnownEventsError(Exception):
    """Events that cannot be read or break their contract; the message says which and what to do."""


@dataclass(frozen=True)
class Mark:
    """An event as far as it marks rows of mobility: which days, which `categories`, which country and region (None:
    every one), and whether only those without a value.
    """

    event_id: str
    from_on: date
    to_on: date
    categories: tuple[str, ...]
    country_code: str | None
    region_id: str | None
    is_of_missing: bool

    @property
    def length(self) -> timedelta:
        """From its first day to its last."""
        return self.to_on - self.from_on


def parse_known_events(text: str, file_name: str) -> pa.Table:
    """The rows of `known_events` in a YAML file, a list of events. KnownEventsError where one is not whole, breaks the
    contract, names a series that its table has not, or ends before it begins.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KnownEventsError(
            f"{file_name} is not readable as YAML ({' '.join(str(error).split())}): mend it"
        ) from error
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise KnownEventsError(f"{file_name}: a list of events is wanted, each a mapping of columns to values")
    known = KNOWN_EVENTS.arrow_schema().names
    for one in given:
        stray = sorted(map(str, set(one) - set(known)))
        if stray:
            raise KnownEventsError(f"{file_name}: an event has {', '.join(stray)}; known are {', '.join(known)}")
    schema = pa.schema([field.with_nullable(nullable=True) for field in KNOWN_EVENTS.arrow_schema()])
    try:
        rows = pa.Table.from_pylist(given, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise KnownEventsError(f"{file_name}: a value has another type than its column ({error}): mend it") from error
    _check(rows, file_name)
    return rows.cast(KNOWN_EVENTS.arrow_schema())


def _check(rows: pa.Table, file_name: str) -> None:
    _, broken, rules = split_rows(KNOWN_EVENTS, rows)
    if rules:
        name = broken["event_id"][0].as_py()
        raise KnownEventsError(f"{file_name}: the event {name!r} breaks the rule {rules[0]}: mend it")
    if any(repeated_key(KNOWN_EVENTS, rows).to_pylist()):
        raise KnownEventsError(f"{file_name}: two events have one event_id: give each a name of its own")
    for one in rows.to_pylist():
        names = SERIES[one["table_name"]]
        if not set(one["series"] or ()) <= set(names):
            raise KnownEventsError(
                f"{file_name}: series of the event {one['event_id']!r} are some of {', '.join(names)}"
            )
        if one["to_on"] is not None and one["to_on"] < one["from_on"]:
            raise KnownEventsError(f"{file_name}: the event {one['event_id']!r} ends before it begins: mend its days")


def marks(events: pa.Table) -> list[Mark]:
    """Those of `events` that mark rows of mobility, the longest first: whose days were observed, and have an end."""
    found = [
        Mark(
            one["event_id"],
            one["from_on"],
            one["to_on"],
            tuple(one["series"] or CATEGORIES),
            one["country_code"],
            one["region_id"],
            one["kind"] == "values_missing",
        )
        for one in events.to_pylist()
        if one["table_name"] == "mobility" and one["days_are"] == OBSERVED and one["to_on"] is not None
    ]
    return sorted(found, key=lambda mark: (-mark.length, mark.event_id))
