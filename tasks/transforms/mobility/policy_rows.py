"""The rows of one file of the policy tracker, and how they are gathered: counted, by key, kept or set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.transforms.mobility.policy_tracker import Jurisdiction
from tasks.transforms.records.delimited import FOOTNOTE, BrokenRow


@dataclass(frozen=True)
class PolicyRows:
    """The rows of one file, each jurisdiction and day once: `series` (n,) are places in `jurisdictions`, `days` (n,)
    count from 1970, `values` (n, len(indices)) with NaN = not published. Rows in = n + set aside; a wide file counts a
    row for each day of a line.
    """

    indices: tuple[str, ...]
    jurisdictions: tuple[Jurisdiction, ...]
    series: NDArray[np.int64]
    days: NDArray[np.int64]
    values: NDArray[np.float64]
    n_rows_in: int
    set_aside: Mapping[str, int]
    broken: tuple[BrokenRow, ...]

    @property
    def last_day(self) -> int | None:
        """The last day with a value, counted from 1970; None where there is no value at all."""
        days = self.days[~np.isnan(self.values).all(axis=1)]
        return int(days.max()) if len(days) else None

    def table(self) -> pa.Table:
        """The rows as a table: region_id, country_code, observed_on and the file's indices."""
        ids = pa.array([one.region_id for one in self.jurisdictions], pa.string())
        codes = pa.array([one.country_code for one in self.jurisdictions], pa.string())
        columns = {
            "region_id": ids.take(pa.array(self.series)),
            "country_code": codes.take(pa.array(self.series)),
            "observed_on": pa.array(self.days.astype(np.int32), pa.int32()).cast(pa.date32()),
        }
        columns |= {name: pa.array(self.values[:, place], from_pandas=True) for place, name in enumerate(self.indices)}
        return pa.table(columns)


@dataclass
class GatheredRows:
    """What is read so far: jurisdictions in the order of their coming, and what was set aside."""

    jurisdictions: dict[Jurisdiction, int] = field(default_factory=dict)
    set_aside: Counter[str] = field(default_factory=Counter)
    broken: list[BrokenRow] = field(default_factory=list)
    n_rows_in: int = 0

    def place(self, jurisdiction: Jurisdiction) -> int:
        """The jurisdiction's number, a new one where it is new."""
        return self.jurisdictions.setdefault(jurisdiction, len(self.jurisdictions))

    def drop(self, row: BrokenRow, n_rows: int = 1) -> None:
        """Set aside a row, which stands for `n_rows`; a footnote is only counted."""
        self.set_aside[row.rule] += n_rows
        if row.rule != FOOTNOTE:
            self.broken.append(row)

    def rows(
        self, indices: tuple[str, ...], series: NDArray[np.int64], days: NDArray[np.int64], values: NDArray[np.float64]
    ) -> PolicyRows:
        """The file's rows, sorted by jurisdiction and day; of those that share both the first alone is kept."""
        order = np.argsort((series << 32) | days, kind="stable")
        series, days, values = series[order], days[order], values[order]
        listed = tuple(self.jurisdictions)
        is_repeated = np.zeros(len(series), np.bool_)
        is_repeated[1:] = (series[1:] == series[:-1]) & (days[1:] == days[:-1])
        first = np.maximum.accumulate(np.where(is_repeated, 0, np.arange(len(series))))
        for row in np.flatnonzero(is_repeated):
            fields = {
                "region_id": listed[series[row]].region_id,
                "observed_on": str(np.datetime64(int(days[row]), "D")),
            }
            fields |= {name: str(value) for name, value in zip(indices, values[row], strict=True)}
            rule, message = (
                "repeated_key",
                "an earlier row has this jurisdiction and day with other values and is kept: correct the file",
            )
            if np.array_equal(values[row], values[first[row]], equal_nan=True):
                rule, message = (
                    "repeated_row",
                    "the jurisdiction has this day in the file already: remove one of the two",
                )
            self.drop(BrokenRow(None, rule, message, fields))
        kept = ~is_repeated
        return PolicyRows(
            indices,
            listed,
            series[kept],
            days[kept],
            values[kept],
            self.n_rows_in,
            dict(self.set_aside),
            tuple(self.broken),
        )
