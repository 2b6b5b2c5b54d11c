"""Pages from templates, which lie beside what gives their values: whatever came from outside is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jinja2
from markupsafe import Markup

from tasks.lake.statements import ROOMS


def render(template: str, values: Mapping[str, Any]) -> Markup:
    """What `tasks/<template>` makes of `values`; jinja2.UndefinedError where it shows what is not among them."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704  # it escapes by itself


def format_cell(value: object) -> str:
    """A value as a reader wants it: thin groups of digits, dates without noise, a dash for nothing."""
    text = str(value)
    if value is None or value != value:  # noqa: PLR0124  # NaN is the one value that differs from itself
        text = "–"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = f"{value:,}".replace(",", "\u2009")  # a thin space groups digits in every language
    elif isinstance(value, float):
        text = f"{value:,.3f}".replace(",", "\u2009")
    elif isinstance(value, datetime):
        text = f"{value:%Y-%m-%d %H:%M:%S}"
    elif isinstance(value, timedelta):
        text = f"{value.total_seconds():.1f} s"
    return text


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOMS), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["cell"] = format_cell
    environment.filters["heading"] = lambda name: name.replace("_", " ").removeprefix("n ")
    return environment
