"""The report: one static page on the present snapshot; self-contained, everything from outside escaped."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb

from expectations.contracts.tables import TABLES
from tasks.lake.files import write_bytes
from tasks.lake.layout import Lake
from tasks.lake.statements import Row, rows_of
from tasks.lake.warehouse import connect
from tasks.report.rendering import render
from tasks.report.sections import Reader, find_sections

COUNTED = ("documents", "tokens", "mobility", "policy", "models", "forecasts", "ops.quarantine")
"""Tables whose rows are counted at the top, where they are there."""
QUERIES = ("documents", "mobility_sources", "set_aside", "quarantine", "validations", "models", "runs")
"""What the page shows as it is found, each under its name."""


def build_report(lake: Lake) -> Path:
    """The page `report/index.html` of the present snapshot, written in one step. LakeError where there is none."""
    with connect(lake) as warehouse:
        countries = {row["country_code"]: row["country"] for row in rows_of(warehouse, "report/countries")}
        sections = [
            {
                "anchor": section.anchor,
                "heading": section.heading,
                "body": render(f"{room}/section.html.j2", section.values(Reader(lake, warehouse, countries, room))),
            }
            for room, section in find_sections().items()
        ]
        (snapshot,) = rows_of(warehouse, "report/snapshot")
        tables = _table_rows(warehouse)
        n_rows = {row["table"]: row["n_rows"] for row in tables}
        values = {
            "snapshot": snapshot,
            "tables": tables,
            "facts": [(name, n_rows[name]) for name in COUNTED if name in n_rows],
            "scores": [row | {"verdict": verdict(row)} for row in rows_of(warehouse, "report/scores")],
            "sections": sections,
            "has_data_docs": (lake.home / "report" / "validation" / "index.html").exists(),
            **{name: rows_of(warehouse, f"report/{name}") for name in QUERIES},
        }
    path = lake.home / "report" / "index.html"
    write_bytes(path, render("report/page.html.j2", values).encode())
    return path


def verdict(score: Row) -> str:
    """`better`, `as good` or `not better` than the baseline: higher, lower, or nearer to the target, as the score says.

    Empty where there is no baseline, or no way is better.
    """
    better, value, baseline = score["better"], score["value"], score["baseline_value"]
    target = score["target"] if better == "near" else 0.0
    if None in (better, value, baseline, target):
        return ""
    loss, loss_of_baseline = (
        {"higher": -one, "lower": one, "near": abs(one - target)}[better] for one in (value, baseline)
    )
    if math.isclose(loss, loss_of_baseline):  # equal distances to a target differ in their last bits
        return "as good"
    return "better" if loss < loss_of_baseline else "not better"


def _table_rows(warehouse: duckdb.DuckDBPyConnection) -> list[Row]:
    """The tables that the warehouse has, in the order of the contracts."""
    held = {row["name"] for row in rows_of(warehouse, "report/tables")}
    rows = []
    for name, contract in TABLES.items():
        if name in held:
            ((n_rows,),) = warehouse.execute(f"SELECT count(*) FROM {name}").fetchall()
            key = ", ".join(contract.key)
            rows.append({"table": name, "n_rows": n_rows, "one_row_is": contract.row_is, "key": key})
    return rows
