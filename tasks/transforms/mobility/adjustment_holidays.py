"""Public holidays by day, as the package `holidays` lists them: of a country, or of a part of it that it knows."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date

import holidays
from holidays.utils import list_localized_countries

ENGLISH = "en_US"


@functools.cache
def public_holidays(country_code: str, part_code: str | None, first: date, last: date) -> Mapping[date, str]:
    """Names by day, `first` to `last`, in English where the package has it; several of a day are joined with "; ".

    `part_code` is an ISO 3166-2 code (`DE-BY`). A part that the package does not know has its country's holidays; a
    country that it does not know has none.
    """
    parts = _countries().get(country_code)
    if parts is None:
        return {}
    part = None if part_code is None else part_code.removeprefix(f"{country_code}-")
    listed = holidays.country_holidays(
        country_code,
        subdiv=part if part in parts else None,
        years=range(first.year, last.year + 1),
        language=ENGLISH if ENGLISH in _languages().get(country_code, ()) else None,
    )
    return {day: name for day, name in sorted(listed.items()) if first <= day <= last}


@functools.cache
def _countries() -> Mapping[str, list[str]]:
    return holidays.list_supported_countries()


@functools.cache
def _languages() -> Mapping[str, list[str]]:
    return list_localized_countries()
