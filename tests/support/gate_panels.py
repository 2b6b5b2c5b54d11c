"""Small fetches for the tests of the gate, as dictionaries of cells and as panels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tasks.transforms.mobility.gate_panel import Finding, Panel, SideBySide, panel, side_by_side

COLUMNS = ("retail_and_recreation", "workplaces", "residential")
Values = tuple[float | None, ...]
Cells = dict[tuple[str, int], Values]
"""The values of a region-day, in the order of the columns; None = not published. A region is `SE` or `SE/Skåne`."""


def panel_of(cells: Mapping[tuple[str, int], Values], columns: Sequence[str] = COLUMNS, n_broken: int = 0) -> Panel:
    """The cells as a panel, in their order."""
    regions = sorted({region for region, _ in cells})
    series = np.array([regions.index(region) for region, _ in cells], np.int64)
    days = np.array([day for _, day in cells], np.int64)
    values = [[np.nan if value is None else value for value in row] for row in cells.values()]
    names = regions, [region.split("/")[0] for region in regions]
    rows = series, days, np.array(values, np.float64).reshape(len(cells), len(columns))
    return panel(names, columns, rows, len(cells) + n_broken, n_broken)


def fetch(*regions: str, n_days: int = 100, first_day: int = 0, seed: int = 1) -> Cells:
    """Whole numbers of -70 to -6 in every column of some regions, `n_days` days from `first_day`; each region has its
    own level. The days that two fetches share are equal.
    """
    cells: Cells = {}
    for region in regions:
        random = np.random.default_rng([seed, *region.encode()])
        level = random.integers(-50, -25)
        numbers = level + random.integers(-20, 20, (first_day + n_days, len(COLUMNS)))
        for day in range(first_day, first_day + n_days):
            cells[region, day] = tuple(float(number) for number in numbers[day])
    return cells


def changed(
    cells: Cells,
    change: Callable[[float], float | None],
    *,
    where: Callable[[str, int], bool] = lambda _region, _day: True,
    columns: Sequence[int] = (0, 1, 2),
) -> Cells:
    """The cells with the published values of some region-days and columns changed."""

    def row(values: Values) -> Values:
        return tuple(
            change(value) if place in columns and value is not None else value for place, value in enumerate(values)
        )

    return {key: row(values) if where(*key) else values for key, values in cells.items()}


def sides_of(old: Cells, new: Cells) -> SideBySide:
    """Two fetches side by side."""
    return side_by_side(panel_of(old), panel_of(new))


def told(findings: Sequence[Finding]) -> list[tuple[str, str, str, str]]:
    """Rule, severity, country and column of each, sorted, each once."""
    return sorted({(one.rule, one.severity, one.country_code, one.column) for one in findings})


def rules(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    """Rules and severities."""
    return {(one.rule, one.severity) for one in findings}
