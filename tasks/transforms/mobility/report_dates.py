"""Dates of mobility reports: ISO, or with slashes, where only all dates of a file together tell month from day."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

from tasks.transforms.records.delimited import RefusedFileError

DateForm = Literal["iso", "month_first", "day_first"]
FORMS: tuple[DateForm, ...] = ("iso", "month_first", "day_first")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


@functools.lru_cache(maxsize=1 << 16)  # every file of an archive has the same days
def read_date(text: str, form: DateForm) -> date | None:
    """The day that `text` means in this form; None where it is no such day."""
    found = (_ISO if form == "iso" else _SLASHES).fullmatch(text)
    if found is None:
        return None
    first, second, third = map(int, found.groups())
    year, month, day = {
        "iso": (first, second, third),
        "month_first": (third, first, second),
        "day_first": (third, second, first),
    }[form]
    try:
        return date(year, month, day)
    except ValueError:
        return None


def likely_form(texts: Iterable[str]) -> tuple[DateForm, bool]:
    """The form in which most distinct `texts` are days, the first of FORMS if equal; whether no other reads as many."""
    distinct = set(texts)
    n_read = {form: sum(read_date(text, form) is not None for text in distinct) for form in FORMS}
    best = max(FORMS, key=lambda form: n_read[form])
    return best, n_read[best] == 0 or sum(n == n_read[best] for n in n_read.values()) == 1


def date_form(texts: Iterable[str]) -> DateForm:
    """The form of a file's dates. RefusedFileError where month first and day first read equally many of them."""
    texts = set(texts)
    form, is_only = likely_form(texts)
    if not is_only:
        example = min(text for text in texts if read_date(text, form) is not None)
        raise RefusedFileError(
            "dates_ambiguous",
            f"its dates (as {example}) can be read month first and day first alike",
            "write them as YYYY-MM-DD",
        )
    return form
