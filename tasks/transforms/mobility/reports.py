"""Google's community mobility reports as CSV, in all three schemas (11, 14, 15 columns), read in one pass with bounded
memory.

What comes out is wide: a row of the file is a row, its region a number in the file's own list of regions, its six
categories side by side. What a file's dates mean and which of its keys are repeated is known for sure only at its end,
so a pass works on findings (`Findings`) and `ReportReader.verdict` tells at its end whether they held; nearly always
they do, else a second pass reads on better ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from expectations.contracts.mobility import CATEGORIES, MOBILITY
from tasks.transforms.mobility.report_dates import DateForm, date_form, likely_form, read_date
from tasks.transforms.mobility.report_regions import RegionList
from tasks.transforms.records.delimited import (
    FOOTNOTE,
    BrokenLine,
    BrokenRow,
    Columns,
    RefusedFileError,
    header_fields,
    is_footnote,
    not_a_number,
    read_block,
    read_header_line,
    whole_lines,
)

REGION_FIELDS = (
    "country_region_code",
    "country_region",
    "sub_region_1",
    "sub_region_2",
    "metro_area",
    "iso_3166_2_code",
    "census_fips_code",
    "place_id",
)
"""Google's names of what makes a region, in the order of `Region`; the last four are missing in older files."""
OPTIONAL_FIELDS = REGION_FIELDS[4:]
VALUE_SUFFIX = "_percent_change_from_baseline"
VALUE_FIELDS = tuple(category + VALUE_SUFFIX for category in CATEGORIES)
OWID_FIELDS = {"entity", "code", "date", "parks", "workplaces", "residential"}
WIDE_SCHEMA = pa.schema(
    [
        pa.field("region_no", pa.int32()),
        pa.field("observed_on", pa.date32()),
        *(pa.field(name, pa.float64()) for name in CATEGORIES),
    ]
)
"""Rows of one report, in the file's order; `region_no` is the place in its list of regions."""
EPOCH = date(1970, 1, 1)
CHANGE_PCT, OBSERVED_ON = MOBILITY.column("change_pct"), MOBILITY.column("observed_on")
LEAST_PCT, MOST_PCT = cast("float", CHANGE_PCT.minimum), cast("float", CHANGE_PCT.maximum)
FIRST_DAY = cast("date", OBSERVED_ON.minimum)


@dataclass(frozen=True)
class Header:
    """A report's columns as they stand in the file, and those that no schema knows."""

    names: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def columns(self) -> Columns:
        """What is read of the file: regions and dates as dictionaries (few distinct ones), values as numbers."""
        text = pa.dictionary(pa.int32(), pa.string())
        types = {name: text for name in (*REGION_FIELDS, "date") if name in self.names}
        return Columns(
            self.names, types | dict.fromkeys(VALUE_FIELDS, pa.float64()), dict.fromkeys(VALUE_FIELDS, CHANGE_PCT.name)
        )


@dataclass(frozen=True)
class Findings:
    """What a pass knows from the one before: the form of the dates, and the keys of several rows (sorted)."""

    date_form: DateForm | None = None
    repeated_keys: tuple[int, ...] = ()


def read_header(stream: BinaryIO) -> Header:
    """The header of a report; `stream` stands at the second line then.

    RefusedFileError where the file is empty, is no text, lacks a column, or is of another schema (Our World in Data's
    7-day means).
    """
    names = tuple(name.lower() for name in header_fields(read_header_line(stream)))
    if set(names) >= OWID_FIELDS:
        raise RefusedFileError(
            "schema_of_7_day_means",
            "these are Our World in Data's 7-day means, not daily values",
            "declare Google's own CSV instead",
        )
    required = (*REGION_FIELDS[:4], "date", *VALUE_FIELDS)
    missing = [name for name in required if name not in names]
    if missing:
        known = f" (it has {', '.join(names[:20])})"
        raise RefusedFileError(
            "column_missing",
            f"the column {missing[0]} is missing{known}",
            "add it to the header line, or declare another kind of source",
        )
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise RefusedFileError(
            "column_repeated", f"the column {repeated[0]} stands twice in the header", "keep one of them"
        )
    return Header(names, tuple(name for name in names if name not in {*required, *OPTIONAL_FIELDS}))


@dataclass
class ReportReader:
    """One pass over a report. Read `batches` to its end; then the counts, `regions` and `verdict` hold.

    `latest` is the day on which the file was fetched: a later observation is impossible. `on_broken` takes each row set
    aside, but for footnotes, which are only counted. `n_blank` rows said "not available" in words.
    """

    header: Header
    latest: date
    on_broken: Callable[[BrokenRow], None]
    findings: Findings = field(default_factory=Findings)
    n_rows_in: int = 0
    n_rows_out: int = 0
    n_blank: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    regions: RegionList = field(default_factory=RegionList)
    _form: DateForm | None = None
    _days: dict[str, tuple[int, str]] = field(default_factory=dict)
    _keys: list[NDArray[np.int64]] = field(default_factory=list)
    _first_values: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def batches(self, stream: BinaryIO) -> Iterator[pa.RecordBatch]:
        """The rows that are kept, block by block, in WIDE_SCHEMA. `stream` stands after the header."""
        first_line = 2
        for content in whole_lines(stream):
            block = read_block(content, first_line, self.header.columns)
            first_line += block.n_lines
            self.n_blank += block.n_blank
            for line in block.broken:
                self._set_aside(line)
            self.n_rows_in += len(block.broken) + block.rows.num_rows
            if not block.rows.num_rows:
                continue
            days, day_faults = self._read_days(block.rows["date"])
            region_nos, region_faults = self.regions.number(block.rows, REGION_FIELDS)
            values = [block.rows[name].chunk(0) for name in VALUE_FIELDS]
            faults = _value_faults(values) | day_faults | region_faults  # of several faults the leftmost is told
            keys = (region_nos.astype(np.int64) << 32) | days
            self._find_repeated(keys, values, faults)
            for row in sorted(faults):
                rule, message = faults[row]
                self._set_aside(BrokenLine(int(block.line_numbers[row]), rule, message, block.text(row)))
            batch = pa.RecordBatch.from_arrays(
                [pa.array(region_nos), pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32()), *values],
                schema=WIDE_SCHEMA,
            )
            if faults:
                is_kept = np.ones(len(keys), np.bool_)
                is_kept[list(faults)] = False
                batch, keys = batch.filter(pa.array(is_kept)), keys[is_kept]
            self._keys.append(keys)
            self.regions.count(keys >> 32)
            self.n_rows_out += batch.num_rows
            yield batch

    def verdict(self) -> Findings | None:
        """Better findings, where those of this pass did not hold and another pass must be made; None where all is well.

        The second pass or the third always holds. RefusedFileError where the dates of the whole file can be read in two
        ways.
        """
        form = date_form(self._days)
        if self._days and form != self._form:
            return Findings(form)
        repeated = _repeated(self._keys)
        return Findings(form, repeated) if repeated else None

    @property
    def last_on(self) -> date | None:
        """The last day of all kept rows; None where there are none."""
        days = [int((keys & 0xFFFFFFFF).max()) for keys in self._keys if len(keys)]
        return EPOCH + timedelta(days=max(days)) if days else None

    def _set_aside(self, line: BrokenLine) -> None:
        if is_footnote(line, self.header.columns):
            self.set_aside[FOOTNOTE] += 1
            return
        self.set_aside[line.rule] += 1
        self.on_broken(line.as_row(self.header.columns))

    def _read_days(self, texts: pa.ChunkedArray) -> tuple[NDArray[np.int64], dict[int, tuple[str, str]]]:
        """Days since 1970 (0 where there is none), and the rows whose date is at fault."""
        encoded = texts.chunk(0)
        distinct = encoded.dictionary.to_pylist()
        if self._form is None:
            self._form = self.findings.date_form or likely_form(distinct)[0]
        self._days |= {text: self._read_day(text) for text in distinct if text not in self._days}
        known = [self._days[text] for text in distinct]
        missing = (0, f"{OBSERVED_ON.name}_missing")
        table = np.array([day for day, _ in [*known, missing]], np.int64)
        codes = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        rules = [rule for _, rule in [*known, missing]]
        faulty = np.flatnonzero(np.array([bool(rule) for rule in rules])[codes])
        shown = [*distinct, ""]
        return table[codes], {int(row): self._date_fault(rules[codes[row]], shown[codes[row]]) for row in faulty}

    def _read_day(self, text: str) -> tuple[int, str]:
        day = read_date(text, self._form or "iso")
        if day is None:
            return 0, "impossible_date"
        if day > self.latest:
            return 0, "future_date"
        if day < FIRST_DAY:
            return 0, f"{OBSERVED_ON.name}_below_{FIRST_DAY}"
        return (day - EPOCH).days, ""

    def _date_fault(self, rule: str, text: str) -> tuple[str, str]:
        form = {"iso": "YYYY-MM-DD", "month_first": "month/day/year", "day_first": "day/month/year", None: "any form"}[
            self._form
        ]
        wrong = (
            f"after the day of the fetch, {self.latest}"
            if rule == "future_date"
            else f"no possible day in the file's form, {form}"
        )
        return rule, f"the date {text!r} is {wrong}: mend it in the file"

    def _find_repeated(
        self, keys: NDArray[np.int64], values: list[pa.Array], faults: dict[int, tuple[str, str]]
    ) -> None:
        """Add to `faults` the rows whose key an earlier row had; only keys that an earlier pass found are looked at."""
        if not self.findings.repeated_keys:
            return
        for row in np.flatnonzero(np.isin(keys, np.array(self.findings.repeated_keys, np.int64))):
            if int(row) in faults:
                continue
            here = tuple(column[int(row)].as_py() for column in values)
            first = self._first_values.setdefault(int(keys[row]), here)
            if first is here:
                continue
            if first == here:
                faults[int(row)] = ("repeated_row", "the row stands in the file already: remove one of the two")
            else:
                faults[int(row)] = (
                    "repeated_key",
                    "an earlier row has this region and day with other values and is kept: correct the file",
                )


def _value_faults(values: list[pa.Array]) -> dict[int, tuple[str, str]]:
    """Rows with a value outside of the contract's bounds, or one that is no finite number."""
    faults: dict[int, tuple[str, str]] = {}
    for name, column in zip(VALUE_FIELDS, values, strict=True):
        numbers = pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(~((numbers >= LEAST_PCT) & (numbers <= MOST_PCT))):
            value = float(numbers[row])
            if not np.isfinite(value):
                rule, message = not_a_number(CHANGE_PCT.name, name, str(value))
            else:
                side, bound = ("below", LEAST_PCT) if value < LEAST_PCT else ("above", MOST_PCT)
                rule, message = (
                    f"{CHANGE_PCT.name}_{side}_{bound}",
                    f"column {name} holds {value:g}, {side} {bound:g} %: mend it in the file",
                )
            faults.setdefault(int(row), (rule, message))
    return faults


def _repeated(parts: Iterable[NDArray[np.int64]]) -> tuple[int, ...]:
    """The keys that occur more than once, sorted. One pass where keys ascend, as in Google's order; else a sort."""
    keys = np.concatenate([np.empty(0, np.int64), *parts])
    if (np.diff(keys) > 0).all():
        return ()
    keys.sort()
    return tuple(np.unique(keys[1:][np.diff(keys) == 0]).tolist())
