"""Curves over a number (an epoch, a step) as SVG text, drawn as `line_chart` draws lines over days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from tasks.transforms.charts.line_chart import (
    BOTTOM,
    COLOURS,
    DASHES,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    XMLNS,
    value_ticks,
)


@dataclass(frozen=True)
class Curve:
    """A curve: its values at 1, 2, … ; NaN where there is none."""

    name: str
    values: Sequence[float]


def curve_chart(title: str, unit: str, over: str, curves: Sequence[Curve]) -> str:
    """An SVG element with one line a curve, `unit` along y and `over` along x, which counts from 1.

    A value that is not finite breaks the line; a lone one is a dot. Without any value the chart says so. ValueError for
    more curves than can be told apart.
    """
    if len(curves) > len(COLOURS):
        raise ValueError(f"{len(curves)} curves in one chart, {len(COLOURS)} can be told apart")
    finite = [value for curve in curves for value in curve.values if np.isfinite(value)]
    if not finite:
        return f'<p class="empty">{escape(title)}: no values.</p>'
    ticks = value_ticks(min(finite), max(finite))
    n_steps = max(len(curve.values) for curve in curves)

    def x(step: int) -> float:
        return LEFT + (step - 1) / max(n_steps - 1, 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, {escape(unit)}" {XMLNS}>',
        f'<text class="unit" x="{LEFT}" y="{HEIGHT - 6}">{escape(unit)}, by {escape(over)}</text>',
    ]
    for tick in ticks:
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{y(tick) + 4:.1f}">{tick:g}</text>')
    steps = {
        1,
        n_steps,
        *(int(tick) for tick in value_ticks(1, max(n_steps, 2)) if tick.is_integer() and 1 <= tick <= n_steps),
    }
    parts += [
        f'<text class="tick" text-anchor="middle" x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 16}">{step}</text>'
        for step in sorted(steps)
    ]
    for place, curve in enumerate(curves):
        colour, dash = COLOURS[place], DASHES[place]
        legend_x = LEFT + place * (WIDTH - LEFT - RIGHT) / len(curves)
        stroke = f'stroke="{colour}" stroke-dasharray="{dash}" fill="none" stroke-width="2"'
        parts.append(f'<line {stroke} x1="{legend_x:.1f}" x2="{legend_x + 22:.1f}" y1="14" y2="14"/>')
        parts.append(f'<text class="legend" x="{legend_x + 27:.1f}" y="18">{escape(curve.name)}</text>')
        for run in _unbroken(curve.values):
            points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in run)
            if len(run) > 1:
                parts.append(f'<polyline {stroke} points="{points}"/>')
            else:
                parts.append(f'<circle cx="{x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="2" fill="{colour}"/>')
    return "".join([*parts, "</svg>"])


def _unbroken(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """Runs of finite values with their numbers from 1."""
    runs: list[list[tuple[int, float]]] = []
    before = -1
    for step, value in enumerate(values, 1):
        if not np.isfinite(value):
            continue
        if before != step - 1:
            runs.append([])
        runs[-1].append((step, float(value)))
        before = step
    return runs
