"""Curves over epochs: every value drawn where it belongs, gaps left as gaps, names escaped."""

import re

import pytest

from tasks.transforms.charts.curve_chart import Curve, curve_chart
from tasks.transforms.charts.line_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH


def points_of(svg: str) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, point.split(","))) for point in line.split()]
        for line in re.findall(r'<polyline[^>]*points="([^"]*)"', svg)
    ]


def test_a_falling_curve_goes_from_left_and_top_to_right_and_bottom():
    ((first, middle, last),) = points_of(curve_chart("Loss", "nats", "epoch", [Curve("training", [4.0, 2.0, 1.0])]))
    assert (first[0], last[0]) == (LEFT, WIDTH - RIGHT)
    assert middle[0] == pytest.approx((first[0] + last[0]) / 2, abs=0.1)
    assert TOP <= first[1] < middle[1] < last[1] <= HEIGHT - BOTTOM


def test_a_value_that_is_no_number_breaks_the_line_and_a_lone_one_is_a_dot():
    svg = curve_chart("Loss", "nats", "epoch", [Curve("a", [3.0, 2.0, float("nan"), 1.0])])
    assert [len(run) for run in points_of(svg)] == [2]
    assert svg.count("<circle") == 1


def test_one_epoch_is_a_dot_and_none_is_a_sentence():
    assert curve_chart("Loss", "nats", "epoch", [Curve("a", [3.0])]).count("<circle") == 1
    assert curve_chart("<Loss>", "nats", "epoch", []) == '<p class="empty">&lt;Loss&gt;: no values.</p>'


def test_names_are_escaped_and_too_many_curves_refused():
    assert "<script>" not in curve_chart("x", "<script>", "epoch", [Curve("<script>", [1.0, 2.0])])
    with pytest.raises(ValueError, match="7 curves"):
        curve_chart("x", "y", "z", [Curve("a", [1.0])] * 7)
