"""Mobility reports as the gate's panels: both fetches of a place on the same identifiers of regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from expectations.contracts.mobility import CATEGORIES
from tasks.transforms.mobility.gate_panel import Panel, panel
from tasks.transforms.mobility.regions import Region, assign_region_ids


@dataclass(frozen=True)
class ReadReport:
    """A report as it was read: its rows (WIDE_SCHEMA; None: refused whole), its regions by the number that the rows
    carry, and how many lines were read and are broken.
    """

    regions: Mapping[int, Region]
    rows: pa.Table | None
    n_rows_in: int
    n_broken: int


def report_panels(old: Sequence[ReadReport], new: Sequence[ReadReport]) -> tuple[Panel, Panel]:
    """The panels of two fetches of a place, each of one report or of the members of an archive; regions of the old one
    are known again in the new one.
    """
    listed = [sorted(report.regions.items()) for report in (*old, *new)]
    ids = assign_region_ids([[region for _, region in regions] for regions in listed])
    n_old = len(old)
    return (_panel(old, listed[:n_old], ids[:n_old]), _panel(new, listed[n_old:], ids[n_old:]))


def _panel(
    reports: Sequence[ReadReport], listed: Sequence[Sequence[tuple[int, Region]]], ids: Sequence[Sequence[str]]
) -> Panel:
    country_of = {
        one: region.country_code
        for regions, ids_here in zip(listed, ids, strict=True)
        for (_, region), one in zip(regions, ids_here, strict=True)
    }
    place_of = {one: place for place, one in enumerate(country_of)}
    series: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    days: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    values: list[NDArray[np.float64]] = [np.empty((0, len(CATEGORIES)))]
    for report, regions, ids_here in zip(reports, listed, ids, strict=True):
        if report.rows is None:
            continue
        number = np.full(max((no for no, _ in regions), default=0) + 1, -1, np.int64)
        for (no, _), one in zip(regions, ids_here, strict=True):
            number[no] = place_of[one]
        series.append(number[report.rows["region_no"].to_numpy()])
        days.append(report.rows["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64))
        values.append(np.column_stack([report.rows[name].to_numpy() for name in CATEGORIES]))
    rows = (np.concatenate(series), np.concatenate(days), np.concatenate(values))
    n_rows_in, n_broken = sum(one.n_rows_in for one in reports), sum(one.n_broken for one in reports)
    return panel((list(country_of), list(country_of.values())), CATEGORIES, rows, n_rows_in, n_broken)
