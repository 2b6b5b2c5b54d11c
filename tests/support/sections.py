"""Sections of the report without the page around them."""

from importlib import import_module
from typing import Any

from tasks.lake.layout import Lake
from tasks.lake.statements import rows_of
from tasks.lake.warehouse import connect
from tasks.report.sections import Reader


def section_values(lake: Lake, room: str) -> dict[str, Any]:
    """What the section of a room shows of the present snapshot."""
    with connect(lake) as warehouse:
        countries = {row["country_code"]: row["country"] for row in rows_of(warehouse, "report/countries")}
        values = import_module(f"tasks.{room}.section").SECTION.values
        return values(Reader(lake, warehouse, countries, room))
