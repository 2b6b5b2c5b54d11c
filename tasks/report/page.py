"""The report: one static page on the present snapshot, made of queries; self-contained, everything from outside escaped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
from markupsafe import Markup

from expectations.contracts.tables import TABLES
from tasks.lake.files import write_bytes
from tasks.lake.layout import Lake
from tasks.lake.warehouse import connect
from tasks.report.embeddings import section as embeddings_section
from tasks.report.forecasts import section as lstm_section
from tasks.report.hmm import section as hmm_section
from tasks.report.labels import section as classification_section
from tasks.transforms.charts.line_chart import Series, line_chart

SQL = Path(__file__).parents[1] / "sql" / "report"
TEMPLATES = Path(__file__).parents[1] / "templates"
ARTICLE_CATEGORIES = ("transit_stations", "residential", "workplaces", "retail_and_recreation")
"""The four of the article on mobility in lockdown, in its order."""
LOWER_IS_BETTER = ("loss", "mae", "rmse", "mase", "pinball", "perplexity", "error", "neg_log_likelihood", "bic", "aic")
"""Metrics of which less is better are told by a part of their name; of all others more is."""

Row = dict[str, Any]


def build_report(lake: Lake) -> Path:
    """The page `report/index.html` of the present snapshot, written in one step. LakeError where nothing is published yet."""
    with connect(lake) as warehouse:
        countries = _rows(warehouse, "countries")
        shown = {"countries": [row["country_code"] for row in countries]}
        names = {row["country_code"]: row["country"] for row in countries}
        (snapshot,) = _rows(warehouse, "snapshot")
        tables = _table_rows(warehouse)
        mobility_curves = _rows(warehouse, "mobility_curves", shown) if names else []
        policy_curves = _rows(warehouse, "policy_curves", shown) if names else []
        page = _environment().get_template("report.html.j2").render(
            snapshot=snapshot,
            tables=tables,
            facts=_facts(tables),
            charts=_charts(mobility_curves, policy_curves, names),
            hmm=hmm_section(lake, warehouse, names),
            scores=[row | {"verdict": verdict(row)} for row in _rows(warehouse, "scores")],
            classification=classification_section(lake, warehouse),
            embeddings=embeddings_section(lake, warehouse),
            lstm=lstm_section(lake, warehouse, shown["countries"]),
            has_data_docs=(lake.home / "report" / "validation" / "index.html").exists(),
            **{
                name: _rows(warehouse, name)
                for name in (
                    "documents", "mobility_sources", "set_aside", "quarantine", "validations", "models", "runs",
                )
            },
        )  # fmt: skip
    path = lake.home / "report" / "index.html"
    write_bytes(path, page.encode())
    return path


def verdict(score: Row) -> str:
    """`better`, `as good` or `not better` than the baseline; empty where there is none to compare with."""
    if score["baseline_value"] is None or score["value"] is None:
        return ""
    gain = score["value"] - score["baseline_value"]
    if any(part in score["metric"].lower() for part in LOWER_IS_BETTER):
        gain = -gain
    if gain == 0:
        return "as good"
    return "better" if gain > 0 else "not better"


def format_cell(value: object) -> str:
    """A value as a reader wants it: thin groups of digits, dates without noise, a dash for nothing."""
    text = str(value)
    if value is None or value != value:  # noqa: PLR0124  # NaN is the one value that differs from itself
        text = "–"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = f"{value:,}".replace(",", "\u2009")  # a thin space groups digits in every language
    elif isinstance(value, float):
        text = f"{value:,.3f}".replace(",", "\u2009")
    elif isinstance(value, datetime):
        text = f"{value:%Y-%m-%d %H:%M:%S}"
    elif isinstance(value, timedelta):
        text = f"{value.total_seconds():.1f} s"
    return text


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    """The rows of `sql/report/<query>.sql`, each by column name."""
    result = warehouse.execute((SQL / f"{query}.sql").read_text(), parameters)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _table_rows(warehouse: duckdb.DuckDBPyConnection) -> list[Row]:
    rows = []
    for name, contract in TABLES.items():
        (n_rows,) = warehouse.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,)
        rows.append({"table": name, "n_rows": n_rows, "one_row_is": contract.row_is, "key": ", ".join(contract.key)})
    return rows


def _facts(tables: list[Row]) -> list[tuple[str, int]]:
    shown = ("documents", "tokens", "mobility", "policy", "models", "forecasts", "ops.quarantine")
    n_rows = {row["table"]: row["n_rows"] for row in tables}
    return [(name, n_rows[name]) for name in shown]


def _charts(mobility: list[Row], policy: list[Row], countries: dict[str, str]) -> list[Row]:
    """The article's three figures: one country by category, one category by country, and the policy index."""
    charts: list[tuple[str, str, list[Series]]] = []
    unit, index_unit = "percent of the baseline", "index, 0 to 100"
    if countries:
        first = "SE" if "SE" in countries else next(iter(countries))
        by_category = [
            _series(
                category.replace("_", " "), mobility, "change_pct_centred_13d", country_code=first, category=category
            )
            for category in ARTICLE_CATEGORIES
        ]
        charts.append((f"{countries[first]}, four categories", unit, by_category))
    for category in ARTICLE_CATEGORIES if countries else ():
        by_country = [
            _series(name, mobility, "change_pct_centred_13d", country_code=code, category=category)
            for code, name in countries.items()
        ]
        charts.append((category.replace("_", " ").capitalize(), unit, by_country))
    if countries:
        index = [
            _series(name, policy, "containment_health_index", country_code=code) for code, name in countries.items()
        ]
        charts.append(("Containment and health index", index_unit, index))
    # The chart escapes every name itself, so its text is safe to set as markup.
    return [{"title": title, "svg": Markup(line_chart(title, unit, series))} for title, unit, series in charts]  # noqa: S704


def _series(name: str, rows: list[Row], column: str, **where: str) -> Series:
    chosen = [row for row in rows if all(row[key] == value for key, value in where.items())]
    days: list[date] = [row["observed_on"] for row in chosen]
    return Series(name, days, np.array([row[column] for row in chosen], dtype=np.float64))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["cell"] = format_cell
    environment.filters["heading"] = lambda name: name.replace("_", " ").removeprefix("n ")
    return environment
