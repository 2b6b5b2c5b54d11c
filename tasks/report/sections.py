"""Sections of the report: a room of `tasks/` that has a module `section` has one, found by itself.

The module declares `SECTION`; `section.html.j2` beside it shows the values that it gives; its queries lie in `sql/`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
from markupsafe import Markup

from tasks.lake.layout import Lake
from tasks.lake.statements import ROOMS, Row, rows_of
from tasks.lake.steps import read_json
from tasks.learning.model_store import CARD
from tasks.transforms.charts.curve_chart import Curve, curve_chart
from tasks.transforms.charts.line_chart import Series, line_chart

MEGABYTE = 1e6


@dataclass(frozen=True)
class Reader:
    """What a section reads: the present snapshot, by the queries of its own room, and what is told of models.

    `countries` are the countries whose curves the report shows, names by code.
    """

    lake: Lake
    warehouse: duckdb.DuckDBPyConnection
    countries: Mapping[str, str]
    room: str

    def rows(self, query: str, parameters: Row | None = None) -> list[Row]:
        """The rows of the room's `sql/<query>.sql`, by column name; none where a table that it reads is missing."""
        return rows_of(self.warehouse, f"{self.room}/{query}", parameters)

    def champions(self, *kinds: str) -> list[Row]:
        """The models in use, of these kinds, by language."""
        return rows_of(self.warehouse, "report/champions", {"kinds": list(kinds)})

    def scores(self, model: Row) -> dict[tuple[str, str], Row]:
        """Every score of a model beside its baseline, by metric and split; in the order of split and metric."""
        rows = rows_of(self.warehouse, "report/scores_of_model", {"model_id": model["model_id"]})
        return {(row["metric"], row["split"]): row for row in rows}

    def notes(self, model: Row) -> Row:
        """What the card of a model notes; nothing where the card cannot be read: a section shows what there is."""
        card = read_json(self.lake.locate(model["path"]) / CARD) or {}
        notes: Row = card.get("notes", {})
        return notes


@dataclass(frozen=True)
class Section:
    """A section of the report: its name in links, its heading, its place among the others (from low to high), and what
    gives the values that its template shows.
    """

    anchor: str
    heading: str
    place: int
    values: Callable[[Reader], Row]


@dataclass(frozen=True)
class Figure:
    """A chart and what is written above it."""

    title: str
    svg: Markup


def figure(title: str, svg: str) -> Figure:
    """The figure of a chart of `tasks.transforms.charts`, which escape every name themselves."""
    return Figure(title, Markup(svg))  # noqa: S704


def curve_figure(title: str, unit: str, over: str, curves: Sequence[Curve]) -> Figure:
    """Curves over a number, `unit` along y and `over` along x."""
    return figure(title, curve_chart(title, unit, over, curves))


def line_figure(title: str, unit: str, series: Sequence[Series]) -> Figure:
    """Lines over days."""
    return figure(title, line_chart(title, unit, series))


def beside(score: Row | None, baseline: str) -> str | None:
    """A score and what it is compared with, in words; None where there is none."""
    if score is None:
        return None
    compared = "" if score["baseline_value"] is None else f" ({baseline}: {score['baseline_value']:.3f})"
    return f"{score['value']:.3f}{compared}"


def process_facts(notes: Row) -> list[tuple[str, str]]:
    """What training cost, as a card notes it, in words: time, and memory."""
    facts = []
    if "seconds" in notes:
        rate = f", {notes['tokens_per_second']:,} tokens/s" if "tokens_per_second" in notes else ""
        facts.append(("time", f"{notes['seconds']:,.1f} s{rate}"))
    if "peak_memory_bytes" in notes:
        facts.append(("peak memory", f"{notes['peak_memory_bytes'] / MEGABYTE:,.0f} MB, of the process"))
    return facts


def find_sections() -> dict[str, Section]:
    """The sections of all rooms that have one, by room, in the order of the report."""
    rooms = sorted(path.parent.name for path in ROOMS.glob("*/section.py"))
    found: dict[str, Section] = {room: importlib.import_module(f"tasks.{room}.section").SECTION for room in rooms}
    return dict(sorted(found.items(), key=lambda item: item[1].place))
