"""Accidents that befall a whole report: its bytes, columns, days, regions, values. Each takes the good report, as a
table of texts, and gives the file. Those that befall its place (`PLACE_DAMAGES`) are done by whoever runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from benchmarks.damages import VALUES, as_csv, moved_by, rewritten, with_values

PLACE_DAMAGES = ("file_lost", "declaration_lost", "source_retired", "contradicted")
ERROR_PAGE = b"<!DOCTYPE html>\n<html><head><title>503</title></head>\n<body>Service unavailable</body></html>\n"
FOOTNOTES = b"Source: the producer\n\nBaseline: median of five weeks\n"
FIRST_DAYS = 180  # of an older vintage
FEW = 3  # values revised


def _unquoted(report: pd.DataFrame) -> bytes:
    lines = [",".join(report.columns), *(",".join(row) for row in report.to_numpy())]
    return ("\n".join(lines) + "\n").encode()


def _decimal_commas(report: pd.DataFrame) -> bytes:
    changed = report.copy()
    for name in VALUES:
        changed[name] = changed[name].map(lambda text: f"{text},5" if text else "")
    return _unquoted(changed)


def _blank_cells(report: pd.DataFrame) -> bytes:
    changed = report.copy()
    changed[VALUES] = changed[VALUES].replace("", "NA")
    return as_csv(changed)


def _header_repeated(report: pd.DataFrame) -> bytes:
    half = len(report) // 2
    return as_csv(report.iloc[:half]) + as_csv(report.iloc[half:])


def _month_first(report: pd.DataFrame, rows: slice) -> bytes:
    changed = report["date"].copy()
    changed.iloc[rows] = changed.iloc[rows].map(lambda text: f"{int(text[5:7])}/{int(text[8:])}/{text[:4]}")
    return as_csv(report.assign(date=changed))


def _exchanged(report: pd.DataFrame) -> bytes:
    first, second = VALUES[0], VALUES[4]
    return as_csv(report.assign(**{first: report[second], second: report[first]}))


def _first_days(report: pd.DataFrame) -> bytes:
    return as_csv(report[report["date"] < sorted(report["date"].unique())[FIRST_DAYS]])


def _regions_lost(report: pd.DataFrame) -> bytes:
    names = sorted(set(report["sub_region_1"]) - {""})
    return as_csv(report[~report["sub_region_1"].isin(names[: len(names) // 2])])


def _countries_lost(report: pd.DataFrame) -> bytes:
    names = sorted(report["country_region_code"].unique())
    return as_csv(report[~report["country_region_code"].isin(names[: len(names) // 2])])


def _region_renamed(report: pd.DataFrame, **gone: str) -> bytes:
    name = min(set(report["sub_region_1"]) - {""})
    here = (report["sub_region_1"] == name) & (report["sub_region_2"] == "")
    changed = report.copy()
    changed.loc[here, "sub_region_1"] = f"New {name}"
    for column, text in gone.items():
        changed.loc[here, column] = text
    return as_csv(changed)


def _gaps_zero(report: pd.DataFrame) -> bytes:
    return as_csv(report.assign(**{name: report[name].replace("", "0") for name in VALUES}))


def _zeros_gone(report: pd.DataFrame) -> bytes:
    return as_csv(report.assign(**{name: report[name].replace("0", "") for name in VALUES}))


def _days_twice(report: pd.DataFrame, plus: float) -> bytes:
    again = report.iloc[: len(report) // (200 if plus == 0 else 2)]
    return as_csv(pd.concat([report, with_values(again, lambda value: value + plus)]))


def _few_revised(report: pd.DataFrame) -> bytes:
    changed = report.copy()
    rows = changed.index[(changed[VALUES[4]] != "") & (changed["sub_region_1"] == "")][:FEW]
    changed.loc[rows, VALUES[4]] = (changed.loc[rows, VALUES[4]].astype(float) + 2).map(lambda value: f"{value:g}")
    return as_csv(changed)


FILE_DAMAGES: Mapping[str, Callable[[pd.DataFrame], bytes]] = {
    "unharmed": as_csv,
    "error_page": lambda _: ERROR_PAGE,
    "empty_file": lambda _: b"",
    "header_only": lambda report: as_csv(report.iloc[:0]),
    "utf16": lambda report: as_csv(report).decode().encode("utf-16"),
    "carriage_returns": lambda report: as_csv(report, line_end="\r"),
    "semicolons": lambda report: as_csv(report, delimiter=";"),
    "decimal_commas": _decimal_commas,
    "footnotes": lambda report: as_csv(report) + FOOTNOTES,
    "blank_cells": _blank_cells,
    "header_repeated": _header_repeated,
    "column_lost": lambda report: as_csv(report.drop(columns=VALUES[2])),
    "column_renamed": lambda report: as_csv(report.rename(columns={VALUES[2]: "parks_change"})),
    "column_added": lambda report: as_csv(report.assign(note="x")),
    "columns_reordered": lambda report: as_csv(report[report.columns[::-1]]),
    "columns_exchanged_whole": _exchanged,
    "category_empty": lambda report: as_csv(report.assign(**{VALUES[3]: ""})),
    "dates_month_first": lambda report: _month_first(report, slice(None)),
    "dates_month_first_mid_file": lambda report: _month_first(report, slice(len(report) // 2, None)),
    "day_later": lambda report: as_csv(moved_by(report, 1)),
    "day_earlier": lambda report: as_csv(moved_by(report, -1)),
    "year_later": lambda report: as_csv(moved_by(report, 366)),
    "years_later": lambda report: as_csv(moved_by(report, 36_500)),
    "older_vintage": _first_days,
    "half_the_file": lambda report: as_csv(report.iloc[: len(report) // 2]),
    "days_twice": lambda report: _days_twice(report, 0.0),
    "days_twice_otherwise": lambda report: _days_twice(report, 7.0),
    "half_the_countries": _countries_lost,
    "half_the_regions": _regions_lost,
    "country_zz": lambda report: as_csv(report.assign(country_region_code="ZZ")),
    "region_renamed": _region_renamed,
    "region_renamed_without_code": lambda report: _region_renamed(report, place_id="", iso_3166_2_code=""),
    "history_rewritten_30": lambda report: as_csv(rewritten(report, np.random.default_rng(1), 0.3)),
    "gaps_zero": _gaps_zero,
    "zeros_gone": _zeros_gone,
    "hundredth": lambda report: as_csv(with_values(report, lambda value: value / 100)),
    "sixteenfold": lambda report: as_csv(with_values(report, lambda value: value * 16)),
    "minus_lost": lambda report: as_csv(with_values(report, abs)),
    "one_number": lambda report: as_csv(with_values(report, lambda _: -7.0)),
    "few_values_revised": _few_revised,
}
"""What becomes of a report's file, by name of the accident."""
