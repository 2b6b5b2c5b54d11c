"""Wide files of the policy tracker: one index a file, every line a jurisdiction, a column a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

import numpy as np

from tasks.transforms.mobility.policy_rows import GatheredRows, PolicyRows
from tasks.transforms.mobility.policy_tracker import (
    ID_FIELDS,
    NOT_PUBLISHED,
    Jurisdiction,
    date_fault,
    field_key,
    is_wide_day,
    jurisdiction_of,
    read_policy_day,
    value_fault,
)
from tasks.transforms.records.delimited import (
    FOOTNOTE,
    NOT_AVAILABLE,
    NUMBER,
    BrokenLine,
    BrokenRow,
    Columns,
    line_fault,
    split_fields,
    whole_lines,
)

MISSING = frozenset(NOT_PUBLISHED) | NOT_AVAILABLE


def read_wide_file(stream: BinaryIO, columns: Columns, index: str, latest: date) -> PolicyRows:
    """The rows of a wide file, which holds one `index`; `stream` stands after the header.

    A line counts as many rows as there are days, a footnote as one.
    """
    wide = _WideFile(columns, index)
    lines = list(wide.lines(stream))
    days = {place: read_policy_day(name, latest) for place, name in enumerate(columns.names) if is_wide_day(name)}
    ids = id_places(columns.names, [fields for _, fields in lines])
    good = {place: day for place, (day, rule) in days.items() if not rule}
    faulty = {place: rule for place, (_, rule) in days.items() if rule}
    series, values = [], []
    for number, fields in lines:
        found = jurisdiction_of(*(fields[place] if place is not None else "" for place in ids))
        if not isinstance(found, Jurisdiction):
            wide.drop_line(number, fields, found)
            continue
        wide.gathered.n_rows_in += len(days)
        wide.gathered.set_aside.update(faulty.values())
        series.append(wide.gathered.place(found))
        values.append(wide.read_values(number, fields, list(good)))
    for place, rule in faulty.items():  # the column is told once, its rows are counted above
        wide.gathered.broken.append(
            BrokenRow(1, *date_fault(rule, columns.names[place], latest), {"column": columns.names[place]})
        )
    cells = np.array(values, np.float64).reshape(-1)
    is_kept = ~np.isinf(cells)
    return wide.gathered.rows(
        (index,),
        np.repeat(np.array(series, np.int64), len(good))[is_kept],
        np.tile(np.array(list(good.values()), np.int64), len(series))[is_kept],
        cells[is_kept, None],
    )


@dataclass
class _WideFile:
    """A wide file while it is read."""

    columns: Columns
    index: str
    gathered: GatheredRows = field(default_factory=GatheredRows)

    @property
    def n_days(self) -> int:
        return sum(map(is_wide_day, self.columns.names))

    def lines(self, stream: BinaryIO) -> list[tuple[int, list[str]]]:
        """Line numbers and stripped fields; lines that do not fit the header are set aside, empty ones left out."""
        kept: list[tuple[int, list[str]]] = []
        number = 1
        for content in whole_lines(stream):
            for line in content.split(b"\n")[:-1]:
                number += 1
                fault = line_fault(line, self.columns)
                text = line.decode("utf-8", "replace").rstrip("\r")
                if fault is None:
                    fields = [one.strip() for one in split_fields(text, self.columns.delimiter)]
                    kept += [(number, fields)] if any(one not in NOT_PUBLISHED for one in fields) else []
                elif fault[0]:
                    self.gathered.n_rows_in += self.n_days
                    self.gathered.drop(BrokenLine(number, *fault, text).as_row(self.columns), self.n_days)
        return kept

    def drop_line(self, number: int, fields: Sequence[str], fault: tuple[str, str]) -> None:
        """Set a line aside that names no jurisdiction: a note below the table counts as one row."""
        held = {name: text for name, text in zip(self.columns.names, fields, strict=True) if text not in NOT_PUBLISHED}
        n_rows = self.n_days
        if fault[0] == "country_code_missing" and not any(map(is_wide_day, held)):
            fault, n_rows = (FOOTNOTE, "a note of the tracker below its table, no data: nothing to do"), 1
        self.gathered.n_rows_in += n_rows
        self.gathered.drop(BrokenRow(number, *fault, held), n_rows)

    def read_values(self, number: int, fields: Sequence[str], places: Sequence[int]) -> list[float]:
        """The values at `places`: NaN where not published, infinity where one is set aside."""
        texts = [fields[place] for place in places]
        values = np.array(
            [np.nan if text in MISSING else float(text) if NUMBER.fullmatch(text) else np.inf for text in texts]
        )
        is_good = (values >= 0) & (values <= 100)  # noqa: PLR2004  # `value_fault` tells the bound
        for cell in np.flatnonzero(~is_good & ~np.isnan(values)).tolist():
            fault = value_fault(self.index, float(values[cell]), texts[cell])
            if fault is not None:
                named = zip(self.columns.names, fields, strict=True)
                held = {name: text for name, text in named if text and not is_wide_day(name)}
                self.gathered.drop(BrokenRow(number, *fault, held | {self.columns.names[places[cell]]: texts[cell]}))
                values[cell] = np.inf
        return [float(value) for value in values]


def id_places(names: Sequence[str], lines: Sequence[Sequence[str]]) -> list[int | None]:
    """Where the fields of ID_FIELDS stand, None where they do not. Without a column CountryCode (older files name none)
    it is the one before the days that holds the most country codes.
    """
    keys = [field_key(name) for name in names]
    places = [keys.index(key) if key in keys else None for key in ID_FIELDS]
    n_before_days = next((place for place, name in enumerate(names) if is_wide_day(name)), 0)
    if places[0] is None and n_before_days:
        n_codes = [
            sum(isinstance(jurisdiction_of(fields[place], "", "", "", ""), Jurisdiction) for fields in lines)
            for place in range(n_before_days)
        ]
        places[0] = n_codes.index(max(n_codes))
    return places
