"""States over days: every run where it belongs and as high as its state, gaps left as gaps, names escaped."""

import re
from datetime import date, timedelta

import numpy as np
import pytest

from tasks.transforms.charts.line_chart import RIGHT, WIDTH
from tasks.transforms.charts.state_chart import LEFT, ROW, TOP, Strip, state_chart

FIRST = date(2020, 2, 15)


def strip(name: str, offsets: list[int], states: list[int]) -> Strip:
    return Strip(name, [FIRST + timedelta(days=offset) for offset in offsets], np.array(states, np.int64))


def bars_of(svg: str) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of each run, the legend left out."""
    pattern = r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*><title>'
    return [tuple(float(value) for value in found) for found in re.findall(pattern, svg)]


def test_runs_lie_side_by_side_and_are_as_high_as_their_states() -> None:
    svg = state_chart("Regimes", ["baseline", "lockdown"], [strip("Sweden", list(range(10)), [0] * 5 + [1] * 5)])
    (first, second) = bars_of(svg)
    assert first[0] == LEFT
    assert first[0] + first[2] == pytest.approx(second[0], abs=0.2)  # coordinates have one decimal
    assert second[0] + second[2] == pytest.approx(WIDTH - RIGHT, abs=0.2)
    assert (first[3], second[3]) == (ROW / 2, ROW)
    assert first[1] + first[3] == second[1] + second[3] == TOP + ROW


def test_a_missing_day_is_a_gap() -> None:
    bars = bars_of(state_chart("Regimes", ["a", "b"], [strip("x", [0, 1, 3, 4], [1, 1, 1, 1])]))
    assert len(bars) == 2
    assert bars[1][0] - (bars[0][0] + bars[0][2]) == pytest.approx((WIDTH - LEFT - RIGHT) / 5, abs=0.2)


def test_every_strip_has_its_row_on_one_axis_of_days() -> None:
    svg = state_chart(
        "Regimes", ["a"], [strip("early", [0, 1], [0, 0]), strip("none", [], []), strip("late", [38, 39], [0, 0])]
    )
    early, late = bars_of(svg)
    assert early[0] < late[0]
    assert early[1] < late[1]
    assert "2020-03" in svg


def test_a_single_day_is_drawn_and_none_is_a_sentence() -> None:
    (bar,) = bars_of(state_chart("Regimes", ["a"], [strip("x", [0], [0])]))
    assert bar[2] == pytest.approx(WIDTH - LEFT - RIGHT, abs=0.2)
    assert state_chart("<Regimes>", [], []) == '<p class="empty">&lt;Regimes&gt;: no days.</p>'


def test_names_are_escaped() -> None:
    assert "<script" not in state_chart("<script>", ["<script>"], [strip("<script>", [0], [0])])
