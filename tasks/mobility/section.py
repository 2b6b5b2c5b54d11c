"""The report's section on mobility, after the figures of the article on mobility in lockdown: curves of countries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.lake.statements import Row
from tasks.report.sections import Reader, Section, line_figure
from tasks.transforms.charts.line_chart import Series

ARTICLE_CATEGORIES = ("transit_stations", "residential", "workplaces", "retail_and_recreation")
"""The four of the article, in its order."""
SMOOTHED = "change_pct_centred_13d"
CHANGE, INDEX = "percent of the baseline", "index, 0 to 100"


def section(reader: Reader) -> Row:
    """`charts`: one country by category, each category by country, and the policy index; none without a country."""
    countries = reader.countries
    shown = {"countries": list(countries)}
    curves, index = reader.rows("mobility_curves", shown), reader.rows("policy_curves", shown)
    if not countries:
        return {"charts": []}
    first = "SE" if "SE" in countries else next(iter(countries))
    categories = {category: category.replace("_", " ") for category in ARTICLE_CATEGORIES}
    by_category = [
        _series(name, curves, SMOOTHED, country_code=first, category=category) for category, name in categories.items()
    ]
    charts = [line_figure(f"{countries[first]}, four categories", CHANGE, by_category)]
    for category, title in categories.items():
        by_country = [
            _series(name, curves, SMOOTHED, country_code=code, category=category) for code, name in countries.items()
        ]
        charts.append(line_figure(title.capitalize(), CHANGE, by_country))
    of_policy = [
        _series(name, index, "containment_health_index", country_code=code) for code, name in countries.items()
    ]
    return {"charts": [*charts, line_figure("Containment and health index", INDEX, of_policy)]}


def _series(name: str, rows: Sequence[Row], column: str, **where: str) -> Series:
    """The line of a column over the days of the rows whose other columns are as `where` says."""
    chosen = [row for row in rows if all(row[key] == value for key, value in where.items())]
    return Series(name, [row["observed_on"] for row in chosen], np.array([row[column] for row in chosen], np.float64))


SECTION = Section(anchor="mobility", heading="Mobility", place=10, values=section)
