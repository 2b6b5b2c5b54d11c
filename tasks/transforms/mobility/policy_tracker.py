"""Files of the Oxford COVID-19 Government Response Tracker: wide (a column a day, one index a file) and long (a row a
day).

What comes out is one row a jurisdiction and day, with the indices that the file has. The tracker's own conventions: `.`
and nothing mean not published, jurisdictions are countries, states and cities in ISO 3166-1 alpha-3 and names. Only the
total of all policies that apply to residents is taken (`NAT_TOTAL`, `STATE_TOTAL`, `CITY_TOTAL`), not what one level of
government decreed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from expectations.contracts.mobility import INDICES, POLICY
from tasks.transforms.mobility.country_codes import ALPHA2_OF_ALPHA3
from tasks.transforms.mobility.regions import policy_region_id
from tasks.transforms.records.delimited import RefusedFileError, not_a_number

ID_FIELDS = ("countrycode", "regioncode", "regionname", "cityname", "jurisdiction")
"""What identifies a jurisdiction, in the order of `jurisdiction_of`, as `field_key` has it; only the first always."""
NOT_PUBLISHED = ("", ".")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WIDE_DAY = re.compile(r"(\d{2})([a-z]{3})(\d{4})", re.ASCII)
_LONG_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})", re.ASCII)
# The final data publish each index as one `_Average`; before that the plain name. `ForDisplay` repeats the last value
# where nothing is published, so it is taken only where a file has nothing else.
_VARIANTS = ("", "average", "weightedaverage", "simpleaverage", "fordisplay", "averagefordisplay")
_OTHER_INDICES = ("legacy", "vaccinated", "risk")
EPOCH = date(1970, 1, 1)

Fault = tuple[str, str]
"""A rule, and a message with its remedy."""


@dataclass(frozen=True)
class Jurisdiction:
    """A country, state or city, under the identifier that mobility has too."""

    region_id: str
    country_code: str


def field_key(name: str) -> str:
    """A header name's letters and digits alone: `StringencyIndex_Average` and `stringency_index_average` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def index_of_file(uri: str, names: Sequence[str]) -> str:
    """The index that a wide file holds: as its own name tells (`index_stringency.csv`; folders and the name of an
    archive tell nothing), else the one that a header name tells. RefusedFileError where neither does, or both differ.
    """
    own_name = uri.replace("\\", "/").replace("#", "/").rpartition("/")[2]
    told = [_index_in(own_name), *{_index_in(name) for name in names if not is_wide_day(name)}]
    found = {index for index in told if index}
    if len(found) != 1:
        known = ", ".join(field_key(index).removesuffix("index") for index in INDICES)
        problem = (
            f"the file's name and its header tell different indices ({', '.join(sorted(found))})"
            if found
            else f"neither the file's own name ({own_name}) nor its header tells which index it holds ({known})"
        )
        raise RefusedFileError("index_unknown", problem, "rename the file after its index")
    return found.pop()


def _index_in(name: str) -> str:
    """The one index that a name tells; empty where it tells none, several, or one of another kind."""
    key = field_key(name)
    found = [index for index in INDICES if field_key(index).removesuffix("index") in key]
    return found[0] if len(found) == 1 and not any(word in key for word in _OTHER_INDICES) else ""


def index_columns(names: Sequence[str]) -> dict[str, str]:
    """Which column of a long file each index is read from; published values before those for display."""
    by_key = {field_key(name): name for name in reversed(names)}
    columns: dict[str, str] = {}
    for index in INDICES:
        found = [by_key[field_key(index) + variant] for variant in _VARIANTS if field_key(index) + variant in by_key]
        columns |= {index: found[0]} if found else {}
    return columns


def read_policy_day(text: str, latest: date) -> tuple[int, str]:
    """Days since 1970 of `01Jan2020`, `20200101` or `2020-01-01`, and the rule that the day breaks (empty: none)."""
    text = text.strip().lower()
    wide, long = _WIDE_DAY.fullmatch(text), _LONG_DAY.fullmatch(text)
    try:
        if wide is not None:
            day = date(int(wide[3]), MONTHS.index(wide[2]) + 1, int(wide[1]))
        elif long is not None:
            day = date(int(long[1]), int(long[2]), int(long[3]))
        else:
            return 0, "impossible_date" if text else "observed_on_missing"
    except ValueError:
        return 0, "impossible_date"
    first = POLICY.column("observed_on").minimum
    if day > latest:
        return 0, "future_date"
    return (day - EPOCH).days, f"observed_on_below_{first}" if isinstance(first, date) and day < first else ""


def is_wide_day(text: str) -> bool:
    """Whether a header name looks like a day of a wide file."""
    return _WIDE_DAY.fullmatch(text.strip().lower()) is not None


def date_fault(rule: str, text: str, latest: date) -> Fault:
    """Rule and message of a date that cannot be."""
    wrong = (
        f"after the day of the fetch, {latest}"
        if rule == "future_date"
        else "no possible day of the tracker (as 20200131 or 31Jan2020)"
    )
    return rule, f"the date {text!r} is {wrong}: mend it in the file"


def jurisdiction_of(
    country: str, region_code: str, region_name: str, city_name: str, kind: str
) -> Jurisdiction | Fault:
    """The jurisdiction that the fields of ID_FIELDS tell (empty: not given), or what is wrong with them."""
    code = country.strip().upper()
    if not code:
        return "country_code_missing", "the row names no country: fill CountryCode (ISO 3166-1, three letters)"
    if code not in ALPHA2_OF_ALPHA3:
        return "country_code_unknown", f"{country!r} is no country code: use ISO 3166-1 alpha-3, or RKS for Kosovo"
    if kind.strip() and not kind.strip().upper().endswith("_TOTAL"):
        return (
            "jurisdiction_not_total",
            f"{kind} is what one level of government decreed: rows of kind _TOTAL are taken, this one is not needed",
        )
    alpha2 = ALPHA2_OF_ALPHA3[code]
    return Jurisdiction(policy_region_id(alpha2, region_code.strip(), region_name, city_name), alpha2)


def value_fault(index: str, value: float, text: str) -> Fault | None:
    """Rule and message of a value outside of the contract's bounds, or not a finite number; None for a good one."""
    column = POLICY.column(index)
    if not np.isfinite(value):
        return not_a_number(index, index, text)
    sides = ("below", column.minimum, value < 0), ("above", column.maximum, value > 100)  # noqa: PLR2004  # 0 to 100
    for side, bound, is_beyond in sides:
        if is_beyond:
            return f"{index}_{side}_{bound}", f"the {index} is {value:g}, {side} {bound:g}: mend it in the file"
    return None
