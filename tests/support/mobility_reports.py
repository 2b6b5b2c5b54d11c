"""Reports of mobility as the merge takes them, made by hand or by Hypothesis."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA
from tasks.transforms.mobility.vintages import Report

FIRST = date(2020, 2, 15)
PLACES = {
    "DE": Region("DE", "Germany"),
    "DE/Bavaria": Region("DE", "Germany", "Bavaria"),
    "NA": Region("NA", "Namibia"),
}


def report(vintage: str, rows: Mapping[Any, Any], places: Mapping[str, Region] = PLACES) -> Report:
    """A report whose `rows` map (identifier of a place, days after the first) to six values."""
    numbers = {name: number for number, name in enumerate(places)}
    lines = [(numbers[name], FIRST + timedelta(days=day), *values) for (name, day), values in rows.items()]
    columns = list(zip(*lines, strict=True)) or [[] for _ in WIDE_SCHEMA]
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, WIDE_SCHEMA, strict=True)], schema=WIDE_SCHEMA
    )
    return Report(vintage, dict(enumerate(places.values())), dict(enumerate(places)), table)


VALUES = st.tuples(*[st.none() | st.integers(-100, 300).map(float)] * 6)
HISTORIES = st.lists(
    st.dictionaries(st.tuples(st.sampled_from(list(PLACES)), st.integers(0, 30)), VALUES, max_size=12), max_size=4
)
"""Reports, oldest first: (identifier of a place, days after the first) to six values."""
