"""What the gate looks at, read from the files that parsing left: the fetch in force and the one offered, as panels on
the same identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.mobility import INDICES
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.mobility import policy
from tasks.mobility.parsed_files import ParsedItem
from tasks.mobility.parsing import REGIONS, ROWS
from tasks.transforms.mobility.gate_panel import Panel, panel
from tasks.transforms.mobility.gate_reports import ReadReport, report_panels
from tasks.transforms.mobility.regions import Region


@dataclass(frozen=True)
class RowFiles:
    """Where the rows of some items lie, by the digest of their file, and (mobility) the lists of regions of all."""

    rows: Mapping[str, FileRef]
    regions: tuple[FileRef, ...]

    @property
    def n_rows(self) -> Mapping[str, int]:
        """Rows of each file."""
        return {sha256: ref.n_rows for sha256, ref in self.rows.items()}


def row_files(kind: str, parsed: Iterable[StepRecord], items: Sequence[ParsedItem]) -> RowFiles:
    """The files of `items` among those that the records of the parsing step left."""
    wanted = {item.rows_sha256 for item in items}
    table = ROWS if kind == "mobility" else policy.ROWS
    rows: dict[str, FileRef] = {}
    regions: list[FileRef] = []
    for record in parsed:
        here = [ref for ref in record.files_of(table) if ref.sha256 in wanted]
        if here:
            rows |= {ref.sha256: ref for ref in here}
            regions += record.files_of(REGIONS)
    return RowFiles(rows, tuple(dict.fromkeys(regions)))


def countries_by_uri(lake: Lake, files: RowFiles) -> dict[str, frozenset[str]]:
    """The countries that each mobility item tells of; nothing for policy, whose files hold one index each."""
    found: dict[str, set[str]] = {}
    for ref in files.regions:
        regions = read_table(lake, ref, ("uri", "country_code")).group_by(["uri", "country_code"]).aggregate([])
        for row in regions.to_pylist():
            found.setdefault(row["uri"], set()).add(row["country_code"])
    return {uri: frozenset(countries) for uri, countries in found.items()}


def mobility_panels(
    lake: Lake, files: RowFiles, old: Sequence[ParsedItem], new: Sequence[ParsedItem]
) -> tuple[Panel, Panel]:
    """Both fetches of a place, their regions known again from the old one to the new one."""
    regions = _regions_of(lake, files)

    def read(item: ParsedItem) -> ReadReport:
        rows = None if item.rows_sha256 is None else read_table(lake, files.rows[item.rows_sha256])
        here = regions.get((item.source, item.uri, item.vintage), {})
        return ReadReport(here, rows, item.n_rows_in, item.n_broken)

    return report_panels([read(item) for item in old], [read(item) for item in new])


def policy_panels(
    lake: Lake, files: RowFiles, old: Sequence[ParsedItem], new: Sequence[ParsedItem]
) -> tuple[Panel, Panel]:
    """Both fetches of a place; the columns are the indices that each has."""
    sides = []
    for items in (old, new):
        tables = [read_table(lake, files.rows[item.rows_sha256]) for item in items if item.rows_sha256 is not None]
        columns = [name for name in INDICES if any(name in table.column_names for table in tables)]
        keys = pa.chunked_array(
            [pa.array([], pa.string()), *(c for table in tables for c in table["region_id"].chunks)]
        )
        listed = sorted(set(keys.to_pylist()))
        country_of: dict[str, str] = {}
        series, days, values = [], [], []
        for table in tables:
            country_of |= dict(zip(table["region_id"].to_pylist(), table["country_code"].to_pylist(), strict=True))
            series.append(
                pc.index_in(table["region_id"], value_set=pa.array(listed, pa.string())).to_numpy().astype(np.int64)
            )
            days.append(table["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64))
            gap = np.full(table.num_rows, np.nan)
            values.append(
                np.column_stack([table[name].to_numpy() if name in table.column_names else gap for name in columns])
            )
        none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, len(columns))))
        rows = tuple(np.concatenate([empty, *part]) for empty, part in zip(none, (series, days, values), strict=True))
        names = (listed, [country_of[one] for one in listed])
        counts = (sum(item.n_rows_in for item in items), sum(item.n_broken for item in items))
        sides.append(panel(names, columns, rows, *counts))  # type: ignore[arg-type]  # three arrays
    return sides[0], sides[1]


def _regions_of(lake: Lake, files: RowFiles) -> dict[tuple[str, str, str], dict[int, Region]]:
    """The regions of each item with their numbers, by source, uri and vintage."""
    found: dict[tuple[str, str, str], dict[int, Region]] = {}
    for line in read_table(lake, files.regions).to_pylist() if files.regions else []:
        region = Region(*(line[name] for name in Region._fields))
        found.setdefault((line["source"], line["uri"], line["vintage"]), {})[line["region_no"]] = region
    return found
