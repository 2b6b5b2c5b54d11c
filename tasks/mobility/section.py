"""The report's section on mobility: the figures of the article on mobility in lockdown, what its maxima are in every
vintage, the same curves over all days, weekday and holidays apart, and documented breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from tasks.lake.statements import Row
from tasks.report.sections import Figure, Reader, Section, line_figure
from tasks.transforms.charts.line_chart import Series

ARTICLE_CATEGORIES = ("transit_stations", "residential", "workplaces", "retail_and_recreation")
"""The four of the article, in its order."""
ARTICLE_LAST_DAY = date(2020, 6, 3)
"""The day before that on which the article fetched its data (its notes 2 and 4)."""
ARTICLE_COUNTRY = "SE"
CHANGE, INDEX = "percent of the baseline", "index, 0 to 100"


def section(reader: Reader) -> Row:
    """`figures`: the article's, the index as the earliest vintage tells it; `maxima`; `later`: figures 2 and 3 over all
    days, where there are later ones; `adjusted`: the first country's values with weekday and holidays apart; `events`.
    All are empty without a country.
    """
    countries = reader.countries
    if not countries:
        return {"figures": [], "maxima": [], "later": [], "adjusted": [], "events": [], "revisions": []}
    first = ARTICLE_COUNTRY if ARTICLE_COUNTRY in countries else next(iter(countries))
    rows = reader.rows("article_figures", {"countries": list(countries), "first": first})
    of_article = [row for row in rows if row["observed_on"] <= ARTICLE_LAST_DAY]
    is_longer = len(of_article) < len(rows)
    figures = _figures(of_article, countries, first) if of_article else []
    index = reader.rows("article_index", {"countries": list(countries)})
    return {
        "figures": [*figures[:-1], _index_of_then(index, countries)] if figures and index else figures,
        "maxima": reader.rows("policy_maxima"),
        "later": _figures(rows, countries, first)[1:] if is_longer else [],
        "adjusted": _adjusted(reader, first),
        "events": reader.rows("known_events"),
        "revisions": [*reader.rows("revisions_by_country"), *reader.rows("policy_revisions_by_country")],
    }


def _figures(rows: Sequence[Row], countries: Mapping[str, str], first: str) -> list[Figure]:
    """Figure 1, a chart for each category of figure 2, and figure 3."""
    lines: dict[tuple[int, str, str], list[Row]] = {}
    for row in rows:
        lines.setdefault((row["figure"], row["panel"], row["line"]), []).append(row)

    def chart(title: str, unit: str, figure: int, panel: str, names: Mapping[str, str]) -> Figure:
        found = [_series(name, lines.get((figure, panel, line), []), "value") for line, name in names.items()]
        return line_figure(title, unit, found)

    categories = {category: category.replace("_", " ") for category in ARTICLE_CATEGORIES}
    return [
        chart(f"Figure 1: {countries[first]}, four categories", CHANGE, 1, first, categories),
        *(chart(f"Figure 2: {name}", CHANGE, 2, category, countries) for category, name in categories.items()),
        chart("Figure 3: containment and health index", INDEX, 3, "containment_health_index", countries),
    ]


def _index_of_then(rows: Sequence[Row], countries: Mapping[str, str]) -> Figure:
    """Figure 3 as a vintage near the article's tells it."""
    title = f"Figure 3: containment and health index, as the vintage until {rows[0]['last_on']} has it"
    lines = [_series(name, [row for row in rows if row["line"] == code], "value") for code, name in countries.items()]
    return line_figure(title, INDEX, lines)


def _adjusted(reader: Reader, region: str) -> list[Figure]:
    """A chart for each category: as published, and what remains."""
    rows = reader.rows("adjusted_curves", {"region": region})
    by_category: dict[str, list[Row]] = {}
    for row in rows:
        by_category.setdefault(row["category"], []).append(row)
    return [
        line_figure(
            f"{reader.countries[region]}, {category.replace('_', ' ')}, weekday and holidays apart",
            CHANGE,
            [_series("as published", here, "change_pct"), _series("adjusted", here, "adjusted_pct")],
        )
        for category, here in by_category.items()
    ]


def _series(name: str, rows: Sequence[Row], column: str) -> Series:
    return Series(name, [row["observed_on"] for row in rows], np.array([row[column] for row in rows], np.float64))


SECTION = Section(anchor="mobility", heading="Mobility", place=10, values=section)
