"""What parsing made of each raw item, one line an item: for the gate, which judges whole fetches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from tasks.intake.vintages import place_of
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.raw import BadInputError, RawItem
from tasks.lake.steps import StepRecord
from tasks.transforms.records.delimited import FOOTNOTE, RefusedFileError

PARSED = "parsed_files"
PARSED_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("source", "place", "uri", "vintage", "rows_sha256")),
        *(pa.field(name, pa.int64()) for name in ("n_rows_in", "n_broken")),
        *(pa.field(name, pa.string()) for name in ("rule", "message")),
    ]
)


@dataclass(frozen=True)
class ParsedItem:
    """A raw item as it was parsed: its file of rows (None: it has none), how many rows were read and how many of them
    are broken; rule and message where it was refused whole.
    """

    source: str
    place: str
    uri: str
    vintage: str
    rows_sha256: str | None
    n_rows_in: int
    n_broken: int
    rule: str | None = None
    message: str | None = None


def parsed_item(
    item: RawItem,
    rows: FileRef | None,
    n_rows_in: int,
    set_aside: Counter[str],
    refused: BadInputError | RefusedFileError | None = None,
) -> ParsedItem:
    """The line of an item."""
    n_broken = sum(n for rule, n in set_aside.items() if rule != FOOTNOTE)
    sha256 = None if rows is None else rows.sha256
    told = (None, None) if refused is None else (refused.rule, str(refused))
    return ParsedItem(item.source, place_of(item), item.uri, item.vintage, sha256, n_rows_in, n_broken, *told)


def write_parsed(lake: Lake, items: Sequence[ParsedItem]) -> FileRef:
    """The file of these lines."""
    return write_table(lake, PARSED, pa.Table.from_pylist([asdict(one) for one in items], schema=PARSED_SCHEMA))


def read_parsed(lake: Lake, records: Iterable[StepRecord]) -> dict[tuple[str, str, str], list[ParsedItem]]:
    """All lines of the records of a parsing step, by source, place and vintage, sorted by uri."""
    found: dict[tuple[str, str, str], list[ParsedItem]] = {}
    for record in records:
        for ref in record.files_of(PARSED):
            for row in read_table(lake, ref).to_pylist():
                one = ParsedItem(**row)
                found.setdefault((one.source, one.place, one.vintage), []).append(one)
    return {key: sorted(lines, key=lambda one: one.uri) for key, lines in found.items()}
