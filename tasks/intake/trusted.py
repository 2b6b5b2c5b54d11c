"""Raw items of earlier vintages that were let in: their history stays, and the next fetch is held against them."""

from __future__ import annotations

from tasks.intake.fetch import items_of_vintage
from tasks.intake.in_force import known_places
from tasks.intake.vintages import FetchedSource, offers_of
from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem, is_kept
from tasks.lake.vintage_log import WHOLE, Vintage, VintageLog


def trusted_items(lake: Lake, one: FetchedSource) -> list[RawItem]:
    """The items of all vintages of a source that were ever let in, but for those that its places offer now, and for
    places that were retired.
    """
    log = VintageLog.read(lake, one.source.name, is_written=False)
    if WHOLE in log.retired:
        return []
    offered = {(place, items[0].raw_sha256) for place, items in offers_of(one).items()}
    found: list[RawItem] = []
    for uri, place in sorted(known_places(lake, one.source.name).items()):
        for known in place.vintages.values():
            is_wanted = known.is_trusted and (uri, known.raw_sha256) not in offered and uri not in log.retired
            if is_wanted and is_kept(lake, known.raw_sha256, known.n_bytes):
                first = log.first.get((uri, known.raw_sha256))
                vintage = first or Vintage(uri, known.raw_sha256, known.n_bytes, known.fetched_at)
                found += items_of_vintage(lake, one.source, vintage)
    return found
