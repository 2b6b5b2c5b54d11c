"""A small report as a table of texts, in Google's columns of 2021: for the tests of damages and of their score."""

from datetime import date, timedelta

import pandas as pd

from benchmarks.damages import VALUES

COLUMNS = [
    "country_region_code", "country_region", "sub_region_1", "sub_region_2", "metro_area", "iso_3166_2_code",
    "census_fips_code", "place_id", "date", *VALUES,
]  # fmt: skip


def report_of(n_days: int = 30, regions: tuple[str, ...] = ("", "Skåne County", "Uppsala County")) -> pd.DataFrame:
    """Whole numbers of every sign in all columns; each seventh value of parks is not published, each fifth is 0."""
    rows = []
    for place, region in enumerate(regions):
        for day in range(n_days):
            texts = [str((day * (3 + column) + 5 * place + column) % 41 - 30) for column in range(len(VALUES))]
            number = day + 3 * place
            texts[2] = "" if number % 7 == 0 else "0" if number % 5 == 0 else texts[2]
            on = str(date(2020, 3, 1) + timedelta(days=day))
            rows.append(["SE", "Sweden", region, "", "", "", "", f"ChIJ{place}", on, *texts])
    return pd.DataFrame(rows, columns=COLUMNS, dtype=str)
