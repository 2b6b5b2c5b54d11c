"""A map of words: every word a dot, names apart from each other and from foreign dots, within the picture."""

import re
from itertools import combinations

import numpy as np

from tasks.transforms.charts.word_map_chart import DOT, FONT, MOST_HEIGHT, WIDTH, _width, word_map_chart

DRAWS = np.random.default_rng(2)


def names_of(svg: str) -> list[tuple[float, float, str]]:
    return [
        (float(x), float(y), name) for x, y, name in re.findall(r'<text x="([\d.]+)" y="([\d.]+)">([^<]*)</text>', svg)
    ]


def test_names_cover_neither_each_other_nor_other_dots_and_stay_within():
    words = [f"word{'x' * (n % 7)}{n}" for n in range(150)]
    places = np.clip(DRAWS.normal(scale=0.4, size=(150, 2)), -1, 1)
    svg = word_map_chart("map", words, places)
    assert svg.count("<circle") == 150
    names = names_of(svg)
    assert len(names) > 90
    boxes = [(x, y - FONT + 2, x + _width(name) - 2, y + 2) for x, y, name in names]
    assert all(
        left >= 0 and top >= 0 and right <= WIDTH and bottom <= MOST_HEIGHT for left, top, right, bottom in boxes
    )
    for one, other in combinations(boxes, 2):
        assert not (one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])
    dots = [(float(x), float(y)) for x, y in re.findall(r'<circle class="dot" cx="([\d.]+)" cy="([\d.]+)"', svg)]
    covered = [sum(left < x < right and top < y < bottom for x, y in dots) for left, top, right, bottom in boxes]
    assert max(covered) == 0


def test_the_first_word_has_its_name_and_one_without_room_keeps_its_dot_and_tells_it():
    svg = word_map_chart("map", ["first"] + ["other"] * 60, np.zeros((61, 2)))
    assert "first" in [name for _, _, name in names_of(svg)]
    assert svg.count("<circle") == svg.count("<title>") == 61
    assert len(names_of(svg)) < 61


def test_up_is_up_and_right_is_right():
    svg = word_map_chart("map", ["low", "high"], np.array([[-1.0, -1.0], [1.0, 1.0]]))
    (x_low, y_low), (x_high, y_high) = [
        (float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]
    assert x_low < x_high
    assert y_low > y_high
    assert y_low + DOT <= MOST_HEIGHT


def test_words_without_a_place_are_left_out_names_escaped_and_no_word_is_a_sentence():
    svg = word_map_chart("map", ["<b>", "gone"], np.array([[0.0, 0.0], [np.nan, 0.0]]))
    assert "&lt;b&gt;" in svg
    assert "gone" not in svg
    assert word_map_chart("map", [], np.zeros((0, 2))) == '<p class="empty">map: no words.</p>'
