"""The steps `write_known_events` and `write_mobility_adjusted`: documented breaks of series, and the values of mobility
with weekday effect and holidays apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contracts.adjustments import KNOWN_EVENTS, MOBILITY_ADJUSTED
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.transforms.mobility.adjustment_rows import READ, adjusted_batches
from tasks.transforms.mobility.known_events import marks, parse_known_events

EVENTS = Path(__file__).parents[2] / "expectations" / "known_events.yaml"


def event_batches() -> list[Batch]:
    """The one batch that writes the documented events: the text of their file."""
    text = EVENTS.read_text(encoding="utf-8")
    return [Batch("all", (hashlib.sha256(text.encode()).hexdigest(),), text)]


def write_known_events(lake: Lake, text: str) -> StepOutput:
    """Write the events of the file into `known_events`. KnownEventsError where the file is not right."""
    events = parse_known_events(text, EVENTS.name)
    return StepOutput((write_table(lake, KNOWN_EVENTS.name, events),), events.num_rows, events.num_rows)


def adjusting_batches(
    merge_mobility: Sequence[StepRecord], write_mobility: Sequence[StepRecord], write_known_events: Sequence[StepRecord]
) -> list[Batch]:
    """A batch for each part of `mobility`, with the events that mark its rows."""
    events = tuple(ref for record in write_known_events for ref in record.files_of(KNOWN_EVENTS.name))
    parts = [ref for record in write_mobility for ref in record.files_of("mobility")]
    return [
        Batch(draft.subject, tuple(one.sha256 for one in (ref, *events)), (ref, events))
        for draft, ref in zip(merge_mobility, parts, strict=True)
    ]


def write_mobility_adjusted(lake: Lake, payload: tuple[FileRef, tuple[FileRef, ...]]) -> StepOutput:
    """Take the values of one part of `mobility` apart: a row in is a row out."""
    part, events = payload
    texts = [name for name in READ if name not in {"observed_on", "change_pct"}]
    with pq.ParquetFile(lake.locate(part.path), memory_map=True, read_dictionary=texts) as opened:
        rows: pa.Table = opened.read(columns=list(READ)).unify_dictionaries()
    written = write_table(lake, MOBILITY_ADJUSTED.name, adjusted_batches(rows, marks(read_table(lake, events))))
    return StepOutput((written,), rows.num_rows, written.n_rows)
