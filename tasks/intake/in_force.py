"""Which vintage of each place is in force, as the present snapshot says (`ops.vintages`): what a fetch falls back on,
and what the gate holds the next one against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import pyarrow.parquet as pq

from expectations.contracts.ops import VINTAGES
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifest


@dataclass(frozen=True)
class KnownVintage:
    """A row of `ops.vintages`."""

    source: str
    uri: str
    vintage: str
    raw_sha256: str
    n_bytes: int
    fetched_at: datetime
    verdict: str | None = None
    rule: str | None = None
    message: str | None = None
    against: str | None = None
    last_on: date | None = None
    is_trusted: bool | None = None
    is_in_force: bool | None = None
    is_offered: bool | None = None
    trouble: str | None = None
    trouble_since: datetime | None = None


@dataclass(frozen=True)
class Place:
    """What is known of a place: all its vintages, by their names."""

    vintages: Mapping[str, KnownVintage]

    @property
    def in_force(self) -> KnownVintage | None:
        """The vintage in force; None where there is none."""
        return next((one for one in self.vintages.values() if one.is_in_force), None)

    def against(self, vintage: str) -> str | None:
        """The vintage that `vintage` is to be held against, None where none is in force: the same that it was held
        against before, as long as it is what the place offers.
        """
        known = self.vintages.get(vintage)
        if known is not None and known.verdict is not None and (known.is_in_force or known.is_offered):
            return known.against
        in_force = self.in_force
        return None if in_force is None else in_force.vintage


def known_places(lake: Lake, source: str) -> dict[str, Place]:
    """The places of `source` by uri, as the present snapshot knows them; none before the first."""
    manifest = read_manifest(lake)
    refs = manifest.tables.get(VINTAGES.qualified_name, ()) if manifest is not None else ()
    found: dict[str, dict[str, KnownVintage]] = {}
    for one in _read(lake, tuple(refs)).get(source, ()):
        found.setdefault(one.uri, {})[one.vintage] = one
    return {uri: Place(vintages) for uri, vintages in found.items()}


@lru_cache(maxsize=4)
def _read(lake: Lake, refs: tuple[FileRef, ...]) -> dict[str, list[KnownVintage]]:
    """The rows of the files by source; files from before a column came lack it."""
    by_source: dict[str, list[KnownVintage]] = {}
    for ref in refs:
        with pq.ParquetFile(lake.locate(ref.path)) as opened:
            for row in opened.read().to_pylist():
                known = {name: value for name, value in row.items() if name in KnownVintage.__dataclass_fields__}
                by_source.setdefault(row["source"], []).append(KnownVintage(**known))
    return by_source
