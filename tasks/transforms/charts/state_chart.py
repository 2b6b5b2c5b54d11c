"""States over days as SVG text: a strip a row, higher and darker the farther its state is from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np

from tasks.transforms.charts.line_chart import COLOURS, LABEL_WIDTH, RIGHT, WIDTH, XMLNS

LEFT, TOP, ROW, GAP, BOTTOM = 100, 30, 44, 12, 30  # px: names of countries, legend, a strip, air between, months
MONTHS = 12


@dataclass(frozen=True)
class Strip:
    """A row: `days` ascending, shape (n,); `states`, int, shape (n,), from 0 on. A day that is missing is a gap."""

    name: str
    days: Sequence[date]
    states: np.ndarray


def state_chart(title: str, names: Sequence[str], strips: Sequence[Strip]) -> str:
    """An SVG element with one row a strip and a legend of the states' `names`. Without any day the chart says so."""
    if not any(len(strip.days) for strip in strips):
        return f'<p class="empty">{escape(title)}: no days.</p>'
    seen = [strip.days for strip in strips if len(strip.days)]
    first, last = min(days[0] for days in seen), max(days[-1] for days in seen)
    n_days = (last - first).days + 1
    height = TOP + len(strips) * (ROW + GAP) + BOTTOM
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" {XMLNS}>',
        *(_legend(place, name, len(names)) for place, name in enumerate(names)),
    ]

    def x(day: date) -> float:
        return LEFT + (day - first).days / n_days * (WIDTH - LEFT - RIGHT)

    months = _months(first, last)
    every = max(1, int(np.ceil(len(months) * LABEL_WIDTH / (WIDTH - LEFT - RIGHT))))
    for month in months[::every]:
        parts.append(f'<line class="grid" x1="{x(month):.1f}" x2="{x(month):.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
        at = f'x="{x(month):.1f}" y="{height - BOTTOM + 16}"'
        parts.append(f'<text class="tick" text-anchor="middle" {at}>{month:%Y-%m}</text>')
    day_width = (WIDTH - LEFT - RIGHT) / n_days
    for place, strip in enumerate(strips):
        floor = TOP + place * (ROW + GAP) + ROW
        at = f'x="{LEFT - 8}" y="{floor - ROW / 2 + 4:.1f}"'
        parts.append(f'<text class="legend" text-anchor="end" {at}>{escape(strip.name)}</text>')
        parts.append(f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>')
        for begin, n_of_run, state in _runs(strip):
            tall = ROW * (state + 1) / len(names)
            parts.append(
                f'<rect x="{x(begin):.1f}" y="{floor - tall:.1f}" width="{n_of_run * day_width:.1f}"'
                f' height="{tall:.1f}" {_fill(state, len(names))}><title>{escape(strip.name)}: {escape(names[state])} '
                f"from {begin:%Y-%m-%d}, {n_of_run} days</title></rect>"
            )
    return "".join([*parts, "</svg>"])


def _legend(place: int, name: str, n_states: int) -> str:
    begin = LEFT + place * (WIDTH - LEFT - RIGHT) / n_states
    return (
        f'<rect x="{begin:.1f}" y="8" width="16" height="12" {_fill(place, n_states)}/>'
        f'<text class="legend" x="{begin + 21:.1f}" y="18">{escape(name)}</text>'
    )


def _fill(state: int, n_states: int) -> str:
    """Opacity from a quarter, which is still seen on white and on black, to full."""
    return f'fill="{COLOURS[0]}" fill-opacity="{0.25 + 0.75 * state / max(n_states - 1, 1):.2f}"'


def _runs(strip: Strip) -> list[tuple[date, int, int]]:
    """First day, days and state of each run of one state without a gap."""
    numbers = np.array([day.toordinal() for day in strip.days])
    begins = np.flatnonzero((np.diff(numbers, prepend=numbers[:1] - 2) != 1) | (np.diff(strip.states, prepend=-1) != 0))
    lengths = np.diff(begins, append=len(numbers))
    pairs = zip(begins.tolist(), lengths.tolist(), strict=True)
    return [(strip.days[begin], n_days, int(strip.states[begin])) for begin, n_days in pairs]


def _months(first: date, last: date) -> list[date]:
    """First days of months from `first` to `last`; `first` itself where there is none."""
    n_months = (last.year - first.year) * MONTHS + last.month - first.month
    begins = [
        date(first.year + (first.month - 1 + n) // MONTHS, (first.month - 1 + n) % MONTHS + 1, 1)
        for n in range(n_months + 1)
    ]
    return [begin for begin in begins if begin >= first] or [first]
