"""Rows that a step of the stage `mobility` sets aside, written to the quarantine as they come, so that memory stays
bounded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem
from tasks.transforms.records.delimited import BrokenRow
from tasks.transforms.records.quarantine import SetAside, quarantine_table

ROWS_AT_ONCE = 20_000  # our choice: some 20 MB of rows as they came


@dataclass
class QuarantineOf:
    """The quarantine of one raw item for one table: `add` rows, then `close`. `counts` are rows by rule, `files` what
    was written.
    """

    lake: Lake
    table_name: str
    item: RawItem
    counts: Counter[str] = field(default_factory=Counter)
    files: list[FileRef] = field(default_factory=list)
    _waiting: list[SetAside] = field(default_factory=list)

    def add(self, row: BrokenRow) -> None:
        """Set aside one row of the file; its place is the file and its line."""
        uri = self.item.uri if row.line_number is None else f"{self.item.uri}#{row.line_number}"
        self._add(row.rule, row.message, row.fields, uri, 1)

    def add_file(self, rule: str, problem: str, n_rows: int) -> None:
        """Set aside the file whole; it stands for `n_rows`."""
        self._add(rule, f"{self.item.uri}: {problem}", {"uri": self.item.uri}, self.item.uri, n_rows)

    def close(self) -> tuple[FileRef, ...]:
        """Every file of the quarantine, the last rows written too."""
        if self._waiting:
            self.files.append(write_table(self.lake, "ops.quarantine", quarantine_table(self._waiting)))
            self._waiting = []
        return tuple(self.files)

    def _add(self, rule: str, message: str, row: dict[str, str], uri: str, n_rows: int) -> None:
        self.counts[rule] += n_rows
        self._waiting.append(SetAside(self.table_name, rule, message, row, self.item.source, uri, self.item.vintage))
        if len(self._waiting) >= ROWS_AT_ONCE:
            self.close()
