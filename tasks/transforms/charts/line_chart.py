"""Line charts as SVG text: self-contained, legible in print and in the dark, gaps left as gaps. No library, no script,
no font.

Deliberately not here: zooming, tooltips, stacked or logarithmic axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito 2008, safe for colour-blind readers, less black and yellow, which fail on dark or on white."""
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")
XMLNS = 'xmlns="http://www.w3.org/2000/svg"'
WIDTH, HEIGHT = 720, 300  # our choice: two fit a printed page in width, three in height
LEFT, RIGHT, TOP, BOTTOM = 46, 26, 30, 42
MOST_STEPS = 6  # our choice: seven lines across
LABEL_WIDTH = 62  # px: "2020-02" at 11 px with air around it


@dataclass(frozen=True)
class Series:
    """A line: `days` ascending, shape (n,); `values`, float, shape (n,), NaN where there is none."""

    name: str
    days: Sequence[date]
    values: np.ndarray


def line_chart(title: str, unit: str, series: Sequence[Series]) -> str:
    """An SVG element with one line a series, a zero line where zero is in sight, months below, a legend above.

    A NaN or a missing day breaks the line; a single day between gaps is a dot. Without any value at all the chart says
    so. At most six series, the number of colours: ValueError for more.
    """
    if len(series) > len(COLOURS):
        raise ValueError(f"{len(series)} series in one chart, {len(COLOURS)} can be told apart")
    finite = [s.values[np.isfinite(s.values)] for s in series]
    if not any(len(values) for values in finite):
        return f'<p class="empty">{escape(title)}: no values published.</p>'
    first = min(s.days[0] for s in series if len(s.days))
    last = max(s.days[-1] for s in series if len(s.days))
    ticks = value_ticks(min(float(v.min()) for v in finite if len(v)), max(float(v.max()) for v in finite if len(v)))
    n_days = max((last - first).days, 1)

    def x(day: date) -> float:
        return LEFT + (day - first).days / n_days * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, {escape(unit)}" {XMLNS}>',
        f'<text class="unit" x="{LEFT}" y="{HEIGHT - 6}">{escape(unit)}</text>',
    ]
    for tick in ticks:
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{y(tick) + 4:.1f}">{tick:g}</text>')
    for month in month_starts(first, last, most=(WIDTH - LEFT - RIGHT) // LABEL_WIDTH):
        parts.append(f'<line class="grid" x1="{x(month):.1f}" x2="{x(month):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        at = f'x="{x(month):.1f}" y="{HEIGHT - BOTTOM + 16}"'
        parts.append(f'<text class="tick" text-anchor="middle" {at}>{month:%Y-%m}</text>')
    for place, line in enumerate(series):
        colour, dash = COLOURS[place], DASHES[place]
        legend_x = LEFT + place * (WIDTH - LEFT - RIGHT) / len(series)
        stroke = f'stroke="{colour}" stroke-dasharray="{dash}" fill="none" stroke-width="2"'
        parts.append(f'<line {stroke} x1="{legend_x:.1f}" x2="{legend_x + 22:.1f}" y1="14" y2="14"/>')
        parts.append(f'<text class="legend" x="{legend_x + 27:.1f}" y="18">{escape(line.name)}</text>')
        for run in unbroken_runs(line):
            points = " ".join(f"{x(day):.1f},{y(value):.1f}" for day, value in run)
            if len(run) > 1:
                parts.append(f'<polyline {stroke} points="{points}"/>')
            else:
                parts.append(f'<circle cx="{x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="1.5" fill="{colour}"/>')
    return "".join([*parts, "</svg>"])


def unbroken_runs(line: Series) -> list[list[tuple[date, float]]]:
    """The points of `line` in runs of consecutive days with finite values."""
    runs: list[list[tuple[date, float]]] = []
    before: date | None = None
    for day, value in zip(line.days, line.values.tolist(), strict=True):
        if not np.isfinite(value):
            continue
        if before is None or (day - before).days != 1:
            runs.append([])
        runs[-1].append((day, value))
        before = day
    return runs


def value_ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers that hold `low` and `high` between first and last; never fewer than two."""
    span = max(high - low, 1e-9)  # all equal: any span will do
    step = 10.0 ** np.floor(np.log10(span / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= MOST_STEPS)
    start, stop = np.floor(low / step), np.ceil(high / step)
    if start == stop:
        stop += 1
    return [float(round(n * step, 10)) for n in np.arange(start, stop + 1)]


def month_starts(first: date, last: date, *, most: int) -> list[date]:
    """First days of months from `first` to `last`, thinned evenly to `most`."""
    year, month = first.year, first.month
    starts = []
    while (day := date(year, month, 1)) <= last:
        if day >= first:
            starts.append(day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004  # months of a year
    return starts[:: max(-(-len(starts) // max(most, 1)), 1)]
