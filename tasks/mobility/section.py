"""The report's section on mobility, after the figures of the article on mobility in lockdown: curves of countries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from tasks.lake.statements import Row
from tasks.report.sections import Figure, Reader, Section, figure
from tasks.transforms.charts.line_chart import Series, line_chart

ARTICLE_CATEGORIES = ("transit_stations", "residential", "workplaces", "retail_and_recreation")
"""The four of the article, in its order."""
CHANGE, INDEX = "percent of the baseline", "index, 0 to 100"


def section(reader: Reader) -> Row:
    """`charts`: one country by category, each category by country, and the policy index; none without a country."""
    countries = reader.countries
    shown = {"countries": list(countries)}
    curves, index = reader.rows("mobility_curves", shown), reader.rows("policy_curves", shown)
    if not countries:
        return {"charts": []}
    first = "SE" if "SE" in countries else next(iter(countries))
    by_category = [
        _series(category.replace("_", " "), _change(curves, first, category)) for category in ARTICLE_CATEGORIES
    ]
    charts = [_chart(f"{countries[first]}, four categories", CHANGE, by_category)]
    for category in ARTICLE_CATEGORIES:
        by_country = [_series(name, _change(curves, code, category)) for code, name in countries.items()]
        charts.append(_chart(category.replace("_", " ").capitalize(), CHANGE, by_country))
    of_policy = [
        _series(
            name,
            [(row["observed_on"], row["containment_health_index"]) for row in index if row["country_code"] == code],
        )
        for code, name in countries.items()
    ]
    return {"charts": [*charts, _chart("Containment and health index", INDEX, of_policy)]}


def _change(curves: Sequence[Row], country_code: str, category: str) -> list[tuple[date, float | None]]:
    return [
        (row["observed_on"], row["change_pct_centred_13d"])
        for row in curves
        if row["country_code"] == country_code and row["category"] == category
    ]


def _series(name: str, days: Sequence[tuple[date, float | None]]) -> Series:
    return Series(name, [day for day, _ in days], np.array([value for _, value in days], np.float64))


def _chart(title: str, unit: str, series: Sequence[Series]) -> Figure:
    return figure(title, line_chart(title, unit, series))


SECTION = Section(anchor="mobility", heading="Mobility", place=10, values=section)
