# ruff: noqa: S314  # our own SVG is parsed
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.charts.line_chart import Series, line_chart, month_starts, unbroken_runs, value_ticks

DAYS = [date(2020, 3, 1) + timedelta(days=n) for n in range(5)]


def test_a_gap_breaks_the_line_and_a_lone_day_is_a_dot() -> None:
    svg = ET.fromstring(
        line_chart("Transit", "percent", [Series("SE", DAYS, np.array([1.0, 2.0, np.nan, 4.0, np.nan]))])
    )
    tags = [element.tag.split("}")[1] for element in svg]
    assert tags.count("polyline") == 1
    assert tags.count("circle") == 1


def test_a_missing_day_is_a_gap_like_a_missing_value() -> None:
    line = Series("SE", [DAYS[0], DAYS[1], DAYS[3]], np.array([1.0, 2.0, 3.0]))
    assert [len(run) for run in unbroken_runs(line)] == [2, 1]


def test_higher_values_are_drawn_higher() -> None:
    svg = ET.fromstring(line_chart("t", "u", [Series("a", DAYS[:2], np.array([0.0, 10.0]))]))
    (points,) = [element.get("points") or "" for element in svg if element.tag.endswith("polyline")]
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in points.split())
    assert x1 > x0
    assert y1 < y0


def test_names_from_outside_are_escaped() -> None:
    svg = line_chart("<script>", '"u"', [Series("<b>&", DAYS[:1], np.array([1.0]))])
    assert "<script>" not in svg
    assert "<b>" not in svg
    ET.fromstring(svg)


def test_no_values_say_so_instead_of_an_empty_frame() -> None:
    assert "no values published" in line_chart("Parks", "percent", [Series("SE", DAYS, np.full(5, np.nan))])


def test_seven_series_cannot_be_told_apart() -> None:
    with pytest.raises(ValueError, match="7 series"):
        line_chart("t", "u", [Series("a", DAYS, np.ones(5))] * 7)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_hold_all_values_and_are_few(low: float, span: float) -> None:
    ticks = value_ticks(low, low + span)
    assert ticks[0] <= low + 1e-6 * max(1, abs(low))  # ticks are rounded to 10 decimals
    assert ticks[-1] >= low + span - 1e-6 * max(1, abs(low + span))
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))


def test_months_are_thinned_evenly() -> None:
    starts = month_starts(date(2020, 2, 15), date(2021, 2, 15), most=6)
    assert starts == [
        date(2020, 3, 1),
        date(2020, 5, 1),
        date(2020, 7, 1),
        date(2020, 9, 1),
        date(2020, 11, 1),
        date(2021, 1, 1),
    ]
