"""Accidents of the kind that upstream files meet, made on purpose: each takes a report as a table of texts and gives
the damaged file. For the table of accidents (`expectations/accidents`) and for the score of the gate.

A report is a pandas frame whose every cell is text, empty = not published, in Google's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

CATEGORIES = (
    "retail_and_recreation", "grocery_and_pharmacy", "parks", "transit_stations", "workplaces", "residential",
)  # fmt: skip
VALUES = [f"{name}_percent_change_from_baseline" for name in CATEGORIES]
PLACE = ["country_region_code", "sub_region_1", "sub_region_2", "metro_area"]

Damage = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
FileDamage = Callable[[pd.DataFrame], bytes]


def as_csv(report: pd.DataFrame, *, delimiter: str = ",", line_end: str = "\n") -> bytes:
    """The report as a CSV file in UTF-8."""
    return report.to_csv(index=False, sep=delimiter, lineterminator=line_end).encode()


def with_values(report: pd.DataFrame, change: Callable[[float], float | None], rows: pd.Series | None = None,
           columns: list[str] | None = None) -> pd.DataFrame:  # fmt: skip
    """The report with the published values of some rows and columns changed; None = no longer published."""
    changed = report.copy()
    chosen = rows if rows is not None else pd.Series(data=True, index=report.index)
    for name in columns or VALUES:
        here = chosen & (changed[name] != "")
        texts = [change(float(text)) for text in changed.loc[here, name]]
        changed.loc[here, name] = ["" if value is None else f"{value:.10g}" for value in texts]
    return changed


def _some_rows(report: pd.DataFrame, random: np.random.Generator) -> pd.Series:
    """All rows, those from a day on, or those of one first-level part: one of three at random."""
    kind = random.integers(3)
    if kind == 1:
        days = sorted(report["date"].unique())
        return report["date"] >= days[int(len(days) * random.uniform(0.25, 0.75))]
    if kind == 2:  # noqa: PLR2004  # the third kind
        part = random.choice(report["sub_region_1"].unique())
        return report["sub_region_1"] == part
    return pd.Series(data=True, index=report.index)


def _scaled(factor: float) -> Damage:
    return lambda report, random: with_values(report, lambda value: value * factor, _some_rows(report, random))


def signs_lost(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Every minus lost."""
    return with_values(report, abs, _some_rows(report, random))


def signs_turned(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Falls for rises."""
    return with_values(report, lambda value: -value, _some_rows(report, random))


def constant(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """One number everywhere."""
    number = float(random.integers(-60, 20))
    return with_values(report, lambda _: number, _some_rows(report, random))


def zeros_to_nothing(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """0 taken for missing."""
    return with_values(report, lambda value: None if value == 0 else value, _some_rows(report, random))


def nothing_to_zeros(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Missing taken for 0."""
    rows, changed = _some_rows(report, random), report.copy()
    for name in VALUES:
        changed.loc[rows & (changed[name] == ""), name] = "0"
    return changed


def category_lost(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """One category empty."""
    return with_values(report, lambda _: None, _some_rows(report, random), [str(random.choice(VALUES))])


def columns_exchanged(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Two categories under each other's name."""
    first, second = random.choice(len(VALUES), 2, replace=False)
    rows, changed = _some_rows(report, random), report.copy()
    changed.loc[rows, VALUES[first]] = report.loc[rows, VALUES[second]]
    changed.loc[rows, VALUES[second]] = report.loc[rows, VALUES[first]]
    return changed


def history_rewritten(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Some of all values moved by a few points."""
    return rewritten(report, random, float(random.choice([0.02, 0.1, 0.3])), _some_rows(report, random))


def rewritten(
    report: pd.DataFrame, random: np.random.Generator, share: float, rows: pd.Series | None = None
) -> pd.DataFrame:
    """A share of the values moved up by 2 to 11 points."""
    return with_values(
        report, lambda value: value + float(random.integers(2, 12)) if random.random() < share else value, rows
    )


def dates_moved(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Every day one or two off, or a week."""
    return moved_by(report, int(random.choice([-7, -2, -1, 1, 2, 7])))


def moved_by(report: pd.DataFrame, n_days: int) -> pd.DataFrame:
    """Every date `n_days` later."""
    days = {text: str(date.fromisoformat(text) + timedelta(days=n_days)) for text in report["date"].unique()}
    return report.assign(date=report["date"].map(days))


def rows_lost(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The end of the file missing."""
    return report.iloc[: int(len(report) * random.uniform(0.3, 0.9))]


def regions_lost(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Half of the regions missing; the whole country stays."""
    names = (report["sub_region_1"] + "/" + report["sub_region_2"]).to_numpy()
    known = np.array([name for name in np.unique(names) if name != "/"])
    lost = random.choice(known, max(1, len(known) // 2), replace=False) if len(known) else []
    return report[~np.isin(names, lost)] if len(known) else report.iloc[: len(report) // 2]


def regions_exchanged(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The values of two regions under each other's name."""
    place = report[PLACE].agg("/".join, axis=1)
    names = place.unique()
    if len(names) == 1:
        return columns_exchanged(report, random)
    first, second = random.choice(names, 2, replace=False)
    changed = report.copy()
    for one, other in ((first, second), (second, first)):
        of_other = report[place == other].set_index("date")[VALUES]
        rows = (place == one) & report["date"].isin(of_other.index)
        changed.loc[rows, VALUES] = of_other.loc[report.loc[rows, "date"]].to_numpy()
    return changed


def smoothed(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Means of seven rows in the place of daily values."""
    rows, changed = _some_rows(report, random), report.copy()
    for name in VALUES:
        values = pd.to_numeric(report[name], errors="coerce")
        means = values.rolling(7, min_periods=1).mean()
        here = rows & values.notna()
        changed.loc[here, name] = means[here].map(lambda value: f"{value:.6g}")
    return changed


def spikes(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """A few values a hundred points up."""
    return with_values(report, lambda value: value + 100 if random.random() < 0.005 else value)  # noqa: PLR2004  # one in two hundred


def week_repeated(report: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001  # as all damages
    """The last two weeks a copy of the two before."""
    days = sorted(report["date"].unique())[-28:]
    place = report[PLACE].agg("/".join, axis=1)
    changed = report.copy()
    old_of = dict(zip(days[14:], days[:14], strict=False))
    by_key = report.assign(place=place).set_index(["place", "date"])[VALUES]
    rows = report["date"].isin(old_of.keys())
    keys = pd.MultiIndex.from_arrays([place[rows], report.loc[rows, "date"].map(old_of)])
    changed.loc[rows, VALUES] = by_key[~by_key.index.duplicated()].reindex(keys).fillna("").to_numpy()
    return changed


DAMAGES: Mapping[str, Damage] = {
    "divided_by_100": _scaled(0.01),
    "times_16": _scaled(16.0),
    "times_1_1": _scaled(1.1),
    "signs_lost": signs_lost,
    "signs_turned": signs_turned,
    "constant": constant,
    "zeros_to_nothing": zeros_to_nothing,
    "nothing_to_zeros": nothing_to_zeros,
    "category_lost": category_lost,
    "columns_exchanged": columns_exchanged,
    "history_rewritten": history_rewritten,
    "dates_moved": dates_moved,
    "rows_lost": rows_lost,
    "regions_lost": regions_lost,
    "regions_exchanged": regions_exchanged,
    "smoothed": smoothed,
    "spikes": spikes,
    "week_repeated": week_repeated,
}
"""Damages of values, days and regions, by name."""
