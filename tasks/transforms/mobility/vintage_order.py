"""Which of several vintages is the later one: by the days inside, by the time of the fetch, or by name.

An order is a key of three, and of two vintages the greater one's is later: the day from which it counts as known, the
day of its fetch, its place (uri and source). How often its path had been fetched decides between equal ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

ORDERS = ("reach", "fetched", "name")
"""What a source may say in `order`: the last day inside, then the fetch, then the name; the fetch, then the name; the
name alone.
"""
FIRST_DAY = date(2020, 1, 1)  # the tracker's first: a file without any value counts as known from then


class FileVintage(NamedTuple):
    """A file as fetched once. `last_on` is the last day with a value in all that was fetched with it (of an archive: in
    any of its members), None where there is none; `nth_fetch` counts the fetches of its path from 1.
    """

    source: str
    uri: str
    vintage: str
    last_on: date | None
    fetched_at: datetime
    nth_fetch: int
    order: str


class PlacedVintage(NamedTuple):
    """When a vintage counts as known, and its place among others: compare `sort_key`."""

    source: str
    uri: str
    vintage: str
    vintage_on: date
    fetched_on: date
    nth_fetch: int

    @property
    def sort_key(self) -> tuple[date, date, str, str, int, str]:
        """Greater is later."""
        return self.vintage_on, self.fetched_on, self.uri, self.source, self.nth_fetch, self.vintage


def known_from(last_on: date | None, fetched_at: datetime, order: str) -> date:
    """The day from which a vintage counts as known: that of the fetch for `fetched`, else the last day inside.
    ValueError for an order that is none of ORDERS.
    """
    if order not in ORDERS:
        raise ValueError(f"{order!r} is no order of vintages: use one of {', '.join(ORDERS)}")
    return fetched_at.date() if order == "fetched" else last_on or FIRST_DAY


def in_order(files: Iterable[FileVintage]) -> list[PlacedVintage]:
    """The vintages, oldest first.

    In a source that is ordered by name none counts as known, or as fetched, before one whose name comes before.
    """
    placed, latest = [], dict[str, tuple[date, date]]()
    for file in sorted(files, key=lambda one: (one.uri, one.nth_fetch, one.source, one.vintage)):
        known, fetched = known_from(file.last_on, file.fetched_at, file.order), file.fetched_at.date()
        if file.order == "name":
            before = latest.get(file.source, (known, fetched))
            known, fetched = latest[file.source] = max(known, before[0]), max(fetched, before[1])
        placed.append(PlacedVintage(file.source, file.uri, file.vintage, known, fetched, file.nth_fetch))
    return sorted(placed, key=lambda one: one.sort_key)
