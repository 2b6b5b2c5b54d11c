"""Synthetic mobility and policy tables, for tests that need to know what made them: no figure was ever observed.

Country codes, region names and file schemas are real; every number comes out of the model below. A country follows a
path of rules (`Country.stringency_from`, our invention). The path puts each day into one of three regimes (baseline,
partial, lockdown), people get used to a regime within about a week, and on top lie a weekday pattern, days off, the
seasons (parks), weather and noise. So a hidden Markov model must find the regimes that were put in.

The same bytes come out each time: only `random.Random(text).random()` is drawn on, whose sequence Python promises to
keep.

What the files show of the originals: three mobility schemas (15, 14 and 11 columns), two date formats, quoted commas,
CR LF line ends, the country code NA, two vintages of Germany with revised values, gaps in parks and residential, days
left out, `.` for a missing index.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist

CATEGORIES = ("retail_and_recreation", "grocery_and_pharmacy", "parks", "transit_stations", "workplaces", "residential")
PARKS, RESIDENTIAL = CATEGORIES.index("parks"), CATEGORIES.index("residential")
Day = tuple[date, tuple[int | None, ...]]

FIRST_MOBILITY_DAY = date(2020, 2, 15)
LAST_DAY = date(2021, 3, 31)
LAST_EARLY_DAY = date(2020, 5, 21)  # the world file in the old schema ends here
LAST_OLD_VINTAGE_DAY = date(2020, 10, 11)
FIRST_POLICY_DAY = date(2020, 1, 1)

# All figures of the model are our choice, made so that curves look plausible and regimes differ by more than the noise.
LEVELS_PCT = {  # mean change of a weekday in each regime, in the order of CATEGORIES
    "baseline": (1, 1, 4, 0, -1, 0),
    "partial": (-22, -5, 20, -31, -25, 8),
    "lockdown": (-58, -19, -14, -63, -54, 22),
}
SATURDAY, SUNDAY = 5, 6
SATURDAY_FACTOR = (1.05, 1.1, 1.0, 0.95, 0.6, 0.55)
SUNDAY_FACTOR = (1.1, 1.3, 1.0, 0.9, 0.45, 0.4)
# Added where a day off falls on a weekday, in proportion to what the regime has left.
DAY_OFF_PCT = (-26, -30, -4, -24, -38, 9)
NOISE_SD_PCT = (2.4, 2.2, 6.0, 2.4, 1.6, 0.7)
WEATHER_SD_PCT = 9.0  # parks only, carried from day to day
ADAPTATION_PER_DAY = 0.35
PERSISTENCE = 0.7
PARK_SEASON_PCT = 32.0
_DAYS_OFF = "2020-04-10", "2020-04-13", "2020-05-01", "2020-12-25", "2020-12-26", "2021-01-01"
DAYS_OFF = frozenset(map(date.fromisoformat, _DAYS_OFF))  # kept everywhere, for simplicity


@dataclass(frozen=True)
class Region:
    """A part of a country; a small one is published with gaps."""

    subregion_1: str = ""
    subregion_2: str = ""
    iso_3166_2_code: str = ""
    offset_pct: float = 0.0
    is_small: bool = False


@dataclass(frozen=True)
class Country:
    """A country's codes, regions (the whole country first) and invented path: stringency 0 to 100 from a day on."""

    code: str
    iso3: str
    name: str
    sensitivity: float
    is_southern: bool
    stringency_from: tuple[tuple[str, float], ...]
    regions: tuple[Region, ...]


def steps(text: str) -> tuple[tuple[str, float], ...]:
    """The steps of a path, written as days and what holds from then on: `2020-03-05 19.4, 2020-03-20 72.2`."""
    return tuple((day, float(value)) for day, value in (step.split() for step in text.split(", ")))


GERMANY = Country(
    "DE",
    "DEU",
    "Germany",
    0.95,
    is_southern=False,
    stringency_from=steps(
        "2020-03-05 19.4, 2020-03-20 72.2, 2020-05-09 47.2, 2020-06-20 30.6, 2020-10-17 45.4, 2020-11-28 75.0,"
        " 2021-02-20 57.4, 2021-03-20 44.4"
    ),
    regions=(
        Region(),
        Region("Bavaria", "", "DE-BY", -2),
        Region("Berlin", "", "DE-BE", -4),
        Region("Saarland", "", "DE-SL", 1, is_small=True),
    ),
)
ITALY = Country(
    "IT",
    "ITA",
    "Italy",
    1.15,
    is_southern=False,
    stringency_from=steps(
        "2020-02-26 29.6, 2020-03-06 85.2, 2020-05-15 51.9, 2020-07-03 27.8, 2020-10-10 49.1, 2020-11-07 79.6,"
        " 2021-01-16 55.6, 2021-03-06 80.6"
    ),
    regions=(
        Region(),
        Region("Lombardy", "", "IT-25", -5),
        Region("Sicily", "", "IT-82", 3),
        Region("Sicily", "Metropolitan City of Palermo", "", 2, is_small=True),
    ),
)
NEW_ZEALAND = Country(
    "NZ",
    "NZL",
    "New Zealand",
    1.2,
    is_southern=True,
    stringency_from=steps(
        "2020-03-15 27.8, 2020-03-23 91.7, 2020-04-29 56.5, 2020-05-15 22.2, 2020-06-10 11.1, 2020-08-12 50.9,"
        " 2020-09-05 22.2, 2021-02-19 46.3, 2021-03-02 16.7"
    ),
    regions=(
        Region(),
        Region("Auckland", "", "NZ-AUK", -4),
        Region("Gisborne", "", "NZ-GIS", 3, is_small=True),
        Region("Wellington", "", "NZ-WGN", -2),
    ),
)
SWEDEN = Country(
    "SE",
    "SWE",
    "Sweden",
    0.7,
    is_southern=False,
    stringency_from=steps(
        "2020-03-12 22.2, 2020-03-26 46.3, 2020-06-11 33.3, 2020-11-05 51.9, 2020-12-19 69.4, 2021-02-11 50.0"
    ),
    regions=(
        Region(),
        Region("Gotland County", "", "SE-I", 4, is_small=True),
        Region("Stockholm County", "", "SE-AB", -5),
        Region("Västra Götaland County", "", "SE-O", -1),
    ),
)
NAMIBIA = Country(
    "NA",
    "NAM",
    "Namibia",
    0.9,
    is_southern=True,
    stringency_from=steps("2020-03-14 30.6, 2020-03-28 71.3, 2020-05-04 48.1, 2020-09-18 31.5, 2020-12-24 43.5"),
    regions=(Region(), Region("Khomas Region", "", "", -3)),
)
UNITED_KINGDOM = Country(
    "GB",
    "GBR",
    "United Kingdom",
    1.05,
    is_southern=False,
    stringency_from=steps(
        "2020-03-13 21.3, 2020-03-24 78.7, 2020-05-12 63.0, 2020-07-04 44.4, 2020-11-03 74.1, 2021-03-08 62.0"
    ),
    regions=(Region(), Region("Armagh City, Banbridge and Craigavon", "", "", 1, is_small=True)),
)
LATE_COUNTRIES = (ITALY, NEW_ZEALAND, SWEDEN)
EARLY_COUNTRIES = (UNITED_KINGDOM, NAMIBIA)
COUNTRIES = tuple(sorted((GERMANY, *LATE_COUNTRIES, *EARLY_COUNTRIES), key=lambda country: country.name))


class Noise:
    """Independent standard normal numbers and chances, the same for the same name on every machine and Python."""

    def __init__(self, name: str) -> None:
        self._uniform = random.Random(f"synthetic tables/{name}")

    def normal(self) -> float:
        """A draw from the standard normal distribution."""
        return NormalDist().inv_cdf(min(max(self._uniform.random(), 1e-12), 1 - 1e-12))  # 0 and 1 have no quantile

    def has_luck(self, chance: float) -> bool:
        """True with probability `chance`."""
        return self._uniform.random() < chance


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def stringency_on(country: Country, day: date) -> float:
    """The country's stringency, 0 to 100, on a day: the last step of its path."""
    return next((value for start, value in reversed(country.stringency_from) if date.fromisoformat(start) <= day), 0.0)


def regime_of(stringency: float) -> str:
    """The regime that a stringency puts a day into: baseline below 35, partial below 66, else lockdown."""
    return "baseline" if stringency < 35 else "partial" if stringency < 66 else "lockdown"


def weekday_factor(day: date, category: int) -> float:
    """How much of a regime's level shows on that day of the week: 1 from Monday to Friday."""
    return {SATURDAY: SATURDAY_FACTOR, SUNDAY: SUNDAY_FACTOR}.get(day.weekday(), (1.0,) * len(CATEGORIES))[category]


def park_season(country: Country, day: date) -> float:
    """Change of park visits by season, percent: highest in midsummer, 0 in February's baseline weeks of the north."""
    warmth = -math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 365.25)  # coldest about 20 January in the north
    return PARK_SEASON_PCT * (-warmth - 1 if country.is_southern else warmth + 1)


def mobility_days(country: Country, region: Region) -> list[Day]:
    """All days of a region with the change of every category, whole percent; None = not published."""
    noise = Noise(f"{country.code}/{region.subregion_1}/{region.subregion_2}")
    level = [0.0] * len(CATEGORIES)
    mood = weather = 0.0
    gap_days = {PARKS: 0, RESIDENTIAL: 0}
    days: list[Day] = []
    for day in days_between(FIRST_MOBILITY_DAY, LAST_DAY):
        target = LEVELS_PCT[regime_of(stringency_on(country, day))]
        level = [
            old + ADAPTATION_PER_DAY * (new * country.sensitivity - old) for old, new in zip(level, target, strict=True)
        ]
        mood = PERSISTENCE * mood + noise.normal()
        weather = PERSISTENCE * weather + WEATHER_SD_PCT * noise.normal()
        change = [
            level[k] * weekday_factor(day, k)
            + (DAY_OFF_PCT[k] * (1 - abs(level[k]) / 100) if day in DAYS_OFF and day.weekday() < SATURDAY else 0)
            + (-0.3 if k == RESIDENTIAL else 1.0) * (mood + region.offset_pct)  # who goes out more is at home less
            + (park_season(country, day) + weather if k == PARKS else 0)
            + NOISE_SD_PCT[k] * noise.normal()
            for k in range(len(CATEGORIES))
        ]
        for k, chance in ((PARKS, 0.05), (RESIDENTIAL, 0.03)):
            starts = noise.has_luck(chance if region.is_small else chance / 20)
            gap_days[k] = 5 if starts and region.is_small else int(starts) or max(gap_days[k] - 1, 0)
        is_left_out = noise.has_luck(0.01) and bool(region.subregion_1)
        if not is_left_out:
            days.append(
                (day, tuple(None if gap_days.get(k) else max(round(pct), -100) for k, pct in enumerate(change)))
            )
    return days


def revised(days: Sequence[Day], name: str) -> list[Day]:
    """The days as an older vintage had them: about one in eighty has values one to three percent off, mended since."""
    noise = Noise(f"vintage/{name}")
    older: list[Day] = []
    for day, change in days:
        slip = 1 + round(abs(noise.normal())) if noise.has_luck(1 / 80) else 0
        older.append((day, tuple(None if pct is None else max(pct - slip, -100) for pct in change)))
    return older


def mobility_csv(
    countries: Iterable[Country],
    n_columns: int,
    last: date,
    vintage: Callable[[Sequence[Day], str], Sequence[Day]] | None = None,
) -> str:
    """A mobility file in one of the three schemas; the one of 11 columns has CR LF line ends and dates as M/D/YYYY."""
    place_columns = {
        15: ("sub_region_1", "sub_region_2", "metro_area", "iso_3166_2_code", "census_fips_code", "place_id"),
        14: ("sub_region_1", "sub_region_2", "metro_area", "iso_3166_2_code", "census_fips_code"),
        11: ("sub_region_1", "sub_region_2"),
    }[n_columns]
    is_old = n_columns == 11  # the schema's own name
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n" if is_old else "\n")
    rows.writerow(
        (
            "country_region_code",
            "country_region",
            *place_columns,
            "date",
            *(f"{name}_percent_change_from_baseline" for name in CATEGORIES),
        )
    )
    for country in countries:
        for region in country.regions:
            name = "-".join(filter(None, (country.code, region.subregion_1, region.subregion_2))).replace(" ", "_")
            places = (region.subregion_1, region.subregion_2, "", region.iso_3166_2_code, "", f"synthetic-{name}")[
                : len(place_columns)
            ]
            days = mobility_days(country, region)
            for day, change in vintage(days, name) if vintage else days:
                if day <= last:
                    written_day = f"{day.month}/{day.day}/{day.year}" if is_old else day.isoformat()
                    rows.writerow(
                        (
                            country.code,
                            country.name,
                            *places,
                            written_day,
                            *("" if pct is None else pct for pct in change),
                        )
                    )
    return text.getvalue()


def indices_on(country: Country, day: date) -> dict[str, float]:
    """The four indices of a country on a day, 0 to 100, two decimals: all follow the path; tests, money come later."""
    stringency = stringency_on(country, day)
    n_days = max((day - date.fromisoformat(country.stringency_from[0][0])).days, 0)
    health = min(n_days / 2.5, 66.0)
    containment_health = 0.75 * stringency + 0.25 * health
    economic_support = float(min(n_days // 28 * 25, 75 if stringency < 70 else 100))  # a lockdown
    return {
        "containment_health": round(containment_health, 2),
        "stringency": round(stringency, 2),
        "government_response": round(0.875 * containment_health + 0.125 * economic_support, 2),
        "economic_support": economic_support,
    }


def policy_wide_csv(index: str) -> str:
    """A wide policy file: a column a day (01jan2020), two unnamed columns of names and codes; the last days of Namibia
    are not in yet.
    """
    days = days_between(FIRST_POLICY_DAY, LAST_DAY)
    months = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    lines = [",".join(("", "", *(f"{day.day:02d}{months[day.month - 1]}{day.year}" for day in days)))]
    for country in COUNTRIES:
        n_missing = 9 if country is NAMIBIA else 0
        shown = [f"{indices_on(country, day)[index]:g}" for day in days[: len(days) - n_missing]]
        lines.append(",".join((country.name, country.iso3, *shown, *("." for _ in range(n_missing)))))
    return "\n".join(lines) + "\n"


def policy_long_csv() -> str:
    """A long policy file with the other two indices: a row a country and day, dates as YYYYMMDD."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        (
            "CountryName",
            "CountryCode",
            "RegionName",
            "RegionCode",
            "Jurisdiction",
            "Date",
            "GovernmentResponseIndex",
            "EconomicSupportIndex",
        )
    )
    for country in COUNTRIES:
        for day in days_between(FIRST_POLICY_DAY, LAST_DAY):
            indices = indices_on(country, day)
            numbers = (f"{indices[name]:.2f}" for name in ("government_response", "economic_support"))
            rows.writerow((country.name, country.iso3, "", "", "NAT_TOTAL", f"{day:%Y%m%d}", *numbers))
    return text.getvalue()


def all_tables() -> dict[str, bytes]:
    """Every file's bytes by its name."""
    tables = {
        "IT_NZ_SE_Region_Mobility_Report.csv": mobility_csv(LATE_COUNTRIES, 15, LAST_DAY),
        "DE_Region_Mobility_Report.vintage-2020-10.csv": mobility_csv([GERMANY], 14, LAST_OLD_VINTAGE_DAY, revised),
        "DE_Region_Mobility_Report.vintage-2021-04.csv": mobility_csv([GERMANY], 15, LAST_DAY),
        "Global_Mobility_Report.early.csv": mobility_csv(EARLY_COUNTRIES, 11, LAST_EARLY_DAY),
        "index_containmenthealth.csv": policy_wide_csv("containment_health"),
        "index_stringency.csv": policy_wide_csv("stringency"),
        "OxCGRT_long.csv": policy_long_csv(),
    }
    return {name: table.encode() for name, table in tables.items()}


def declare_tables(folder: Path) -> Path:
    """Write every table into `folder`, and the declarations of two sources; returns `folder`, to be run on."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in all_tables().items():
        (folder / name).write_bytes(table)
    for kind, location in (("mobility", "*_Mobility_Report*.csv"), ("policy", "[Oi]*.csv")):
        declared = (
            f"name: synthetic_{kind}\nkind: {kind}\nlocation: '{location}'\nlicence: CC0-1.0\nproducer: Tidemill\n"
        )
        (folder / f"{kind}.yaml").write_text(declared)
    return folder
