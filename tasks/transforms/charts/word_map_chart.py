"""A map of words as SVG text: a dot a word, and its name beside it wherever there is room for it.

Names are set in the order in which the words come, the first where it likes, each of the others at the first of eight
places around its dot (and then farther out) where it covers no name and no dot set before. A word for which there is no
room keeps its dot, and tells its name when pointed at. Self-contained, legible in print and in the dark: colours are
those of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from unicodedata import east_asian_width

import numpy as np

from tasks.transforms.charts.line_chart import XMLNS

WIDTH = 900  # our choice: the width of the page
LEAST_HEIGHT, MOST_HEIGHT = 320, 640  # our choice: a map that is wide and low is drawn so, within reason
MARGIN_X, MARGIN_Y = 50, 24
FONT = 12
# Of the font's size: the mean of system fonts' lower-case letters, measured on Helvetica and DejaVu Sans.
CHARACTER_WIDTH = 0.56
DOT = 2.2
DISTANCES = (5.0, 11.0, 18.0)

Box = tuple[float, float, float, float]  # left, top, right, bottom


def word_map_chart(title: str, words: Sequence[str], places: np.ndarray) -> str:
    """An SVG element with the words at their `places`, (n, 2), y upwards, which fill it; rows with NaN are left out.

    Without a word the chart says so.
    """
    shown = [row for row in range(len(words)) if np.isfinite(places[row]).all()]
    if not shown:
        return f'<p class="empty">{escape(title)}: no words.</p>'
    low, high = places[shown].min(axis=0), places[shown].max(axis=0)
    span = np.maximum(high - low, 1e-9)  # all in one place: any span will do
    height = float(np.clip(WIDTH * span[1] / span[0], LEAST_HEIGHT, MOST_HEIGHT))
    room = np.array([WIDTH - 2 * MARGIN_X, height - 2 * MARGIN_Y])
    across = MARGIN_X + (places[shown, 0] - low[0]) / span[0] * room[0]
    down = MARGIN_Y + (high[1] - places[shown, 1]) / span[1] * room[1]
    dots = dict(zip(shown, zip(across.tolist(), down.tolist(), strict=True), strict=True))
    boxes: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots.values()]
    parts = [f'<svg class="map" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}" {XMLNS}>']
    for row, (x, y) in dots.items():
        name = escape(words[row])
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{DOT}"><title>{name}</title></circle>')
        found = next(
            (box for box in _boxes_around((x, y), _width(words[row]), height) if _is_free(box, boxes, (x, y))), None
        )
        if found is not None:
            boxes.append(found)
            parts.append(f'<text x="{found[0]:.1f}" y="{found[3] - 3:.1f}">{name}</text>')
    return "".join([*parts, "</svg>"])


def _width(word: str) -> float:
    return FONT * sum(1.0 if east_asian_width(letter) in "WF" else CHARACTER_WIDTH for letter in word) + 2


def _boxes_around(dot: tuple[float, float], width: float, height: float) -> Iterator[Box]:
    """Where a name of that width may be: right, left, above, below, and between, nearest first; within the picture."""
    x, y = dot
    for distance in DISTANCES:
        for across, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            left = x + distance if across > 0 else x - distance - width if across < 0 else x - width / 2
            middle = y - up * (distance + FONT / 2 - 2)
            box = (left, middle - FONT / 2 - 1, left + width, middle + FONT / 2 + 1)
            if box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= height:
                yield box


def _is_free(box: Box, taken: Sequence[Box], own: tuple[float, float]) -> bool:
    """Whether the box covers nothing but, perhaps, its own dot."""
    return not any(
        box[0] < right and left < box[2] and box[1] < bottom and top < box[3]
        for left, top, right, bottom in taken
        if (left + right) / 2 != own[0] or (top + bottom) / 2 != own[1]
    )
