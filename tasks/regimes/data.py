"""What regimes are learned from: published mobility as a grid of regions and days, and the policy that they are held
against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from models.series.daily_grid import DailyGrid
from tasks.lake.files import FileRef
from tasks.lake.layout import Lake
from tasks.learning.mobility_grid import mobility_grid
from tasks.regimes.settings import RegimeSettings

SUBJECT = "mobility of all regions"


@dataclass(frozen=True)
class RegimeData:
    """The published files of mobility and policy, and the snapshot they belong to."""

    mobility: tuple[FileRef, ...]
    policy: tuple[FileRef, ...]
    snapshot_id: str
    settings: RegimeSettings

    @property
    def inputs(self) -> tuple[str, ...]:
        """The digests of all that is read, in order."""
        return (*sorted(ref.sha256 for ref in self.mobility), *sorted(ref.sha256 for ref in self.policy))


def read_grid(
    lake: Lake, mobility: Sequence[FileRef], settings: RegimeSettings
) -> tuple[DailyGrid | None, pa.Array, dict[str, int]]:
    """The grid of all regions that take part (None where none does), their ids, and the region-days set aside, by
    rule.
    """
    grid, regions, n_short = mobility_grid(lake, mobility, settings.categories, settings.min_days)
    return grid, regions, {too_short(settings): n_short} if n_short else {}


def too_short(settings: RegimeSettings) -> str:
    """What is true of a region-day that takes no part."""
    return f"fewer_than_{settings.min_days}_days"
