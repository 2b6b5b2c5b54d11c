"""The regions of one mobility report, numbered as they come, by runs of rows: a file has one region after another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from expectations.contracts.mobility import MOBILITY
from tasks.transforms.mobility.regions import Region, best_known, tidy_name
from tasks.transforms.records.combinations import distinct_combinations

_COUNTRY_CODE = re.compile(MOBILITY.column("country_code").pattern)
# Five digits; spreadsheets drop the zero in front of the first nine states' counties.
_FIPS = re.compile(r"\d{4,5}", re.ASCII)


@dataclass
class RegionList:
    """Regions by number, with their kept rows. One region = one set of names and code; gaps in it are filled."""

    regions: list[Region] = field(default_factory=list)
    n_rows: list[int] = field(default_factory=list)
    _number_of: dict[tuple[object, ...], int] = field(default_factory=dict)
    _known: dict[tuple[str | None, ...], int | tuple[str, str]] = field(default_factory=dict)

    def number(self, rows: pa.Table, columns: Sequence[str]) -> tuple[NDArray[np.int32], dict[int, tuple[str, str]]]:
        """Each row's region number (0 where it has none), and the rows whose region is at fault, with rule and message.

        `columns` name the fields of `Region` in order; those that `rows` lacks are not given. Each is a dictionary in
        one chunk.
        """
        groups, texts = distinct_combinations(
            [rows[name].chunk(0) if name in rows.column_names else None for name in columns]
        )
        for one in texts:
            if one not in self._known:
                self._known[one] = self._place(one)
        found = [self._known[one] for one in texts]
        numbers = np.array([one if isinstance(one, int) else 0 for one in found], np.int32)[groups]
        is_faulty = np.array([not isinstance(one, int) for one in found], np.bool_)[groups]
        faults = {
            int(row): fault for row in np.flatnonzero(is_faulty) if isinstance(fault := found[groups[row]], tuple)
        }
        return numbers, faults

    def count(self, numbers: NDArray[np.int64]) -> None:
        """Take note of kept rows by their region numbers."""
        n_new = np.bincount(numbers, minlength=len(self.regions))
        self.n_rows = (np.array(self.n_rows, np.int64) + n_new).tolist()

    def _place(self, texts: tuple[str | None, ...]) -> int | tuple[str, str]:
        """The number of the region that the texts describe, or rule and message where they describe none."""
        country_code, country, *names = (tidy_name(text or "") for text in texts)
        if not country_code or not country:
            rule = "country_code_missing" if not country_code else "country_missing"
            return (
                rule,
                "the row names no country: fill country_region_code (ISO 3166-1, two letters) and country_region",
            )
        if not _COUNTRY_CODE.fullmatch(country_code):
            return (
                "country_code_malformed",
                f"the country code {country_code!r} is not two capital letters: use ISO 3166-1 alpha-2",
            )
        first, second, metro, iso, fips, place_id = (name or None for name in names)
        if fips is not None and not _FIPS.fullmatch(fips):
            return (
                "census_fips_code_malformed",
                f"the FIPS code {fips!r} is not five digits: correct it or leave it empty",
            )
        region = Region(country_code, country, first, second, metro, iso, fips.zfill(5) if fips else None, place_id)
        identity = (region.names, region.code)
        number = self._number_of.setdefault(identity, len(self.regions))
        if number == len(self.regions):
            self.regions.append(region)
            self.n_rows.append(0)
        else:
            self.regions[number] = best_known([region, self.regions[number]])
        return number
