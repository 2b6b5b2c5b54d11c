"""Fetches as panels, and two of them side by side, against dictionaries of their cells."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.gate_panels import COLUMNS, panel_of, sides_of

from tasks.transforms.mobility.gate_panel import panel, side_by_side

VALUE = st.none() | st.integers(-9, 9).map(float)
CELLS = st.dictionaries(
    st.tuples(st.sampled_from(["DE", "SE", "SE/Skåne", "AT"]), st.integers(-3, 12)),
    st.tuples(VALUE, VALUE, VALUE),
    max_size=20,
)


def cells_of(one):
    """A panel as a dictionary again."""
    return {
        (str(one.region_ids[series]), int(day)): tuple(None if np.isnan(value) else value for value in values)
        for series, day, values in zip(one.series, one.days, one.values, strict=True)
    }


@given(cells=CELLS, random=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_panel_holds_its_cells_sorted_by_region_and_day_in_whatever_order_they_come(cells, random):
    shuffled = list(cells.items())
    random.shuffle(shuffled)
    one, other = panel_of(cells), panel_of(dict(shuffled))
    assert cells_of(one) == cells
    assert (np.diff(one.keys) > 0).all()
    assert np.array_equal(one.keys, other.keys)
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert one.countries.tolist() == [str(one.region_ids[series])[:2] for series in one.series]


def test_of_several_rows_of_a_region_day_the_last_counts():
    rows = np.array([0, 0, 0]), np.array([5, 4, 5]), np.array([[1.0], [2.0], [3.0]])
    one = panel((["SE"], ["SE"]), ["parks"], rows, n_rows_in=4, n_broken=1)
    assert (one.days.tolist(), one.values.tolist(), one.n_rows_in, one.n_broken) == ([4, 5], [[2.0], [3.0]], 4, 1)


@given(old=CELLS, new=CELLS, n_days=st.integers(-4, 4))
@settings(deadline=None)
def test_two_fetches_lie_side_by_side_as_looking_up_every_cell_says(old, new, n_days):
    sides = sides_of(old, new)
    assert (cells_of(sides.old), cells_of(sides.new)) == (old, new)
    assert sides.old.region_ids.tolist() == sides.new.region_ids.tolist() == sorted({key[0] for key in (*old, *new)})
    assert sides.old.country_codes.tolist() == [region[:2] for region in sides.old.region_ids.tolist()]
    none = (None,) * len(COLUMNS)
    keys = [
        (str(sides.old.region_ids[series]), int(day))
        for series, day in zip(sides.old.series, sides.old.days, strict=True)
    ]
    assert [place >= 0 for place in sides.place] == [key in new for key in keys]
    for shifted, n in ((sides.later, 0), (sides.at_shift(np.arange(len(keys)), n_days), n_days)):
        found = [tuple(None if np.isnan(value) else value for value in row) for row in shifted]
        assert found == [new.get((region, day + n), none) for region, day in keys]


def test_only_the_columns_that_both_have_are_looked_at_in_the_order_of_the_old_one():
    old = panel_of({("SE", 1): (1.0, 2.0, 3.0)}, ("a", "b", "c"))
    new = panel_of({("SE", 1): (30.0, 40.0, 20.0)}, ("c", "d", "b"))
    sides = side_by_side(old, new)
    assert (sides.old.columns, sides.new.columns) == (("b", "c"), ("b", "c"))
    assert (sides.old.values.tolist(), sides.later.tolist()) == ([[2.0, 3.0]], [[20.0, 30.0]])


def test_a_country_of_one_fetch_alone_keeps_its_code():
    old = panel((["S"], ["S"]), ["a"], (np.array([0]), np.array([1]), np.array([[1.0]])))
    new = panel((["LONG/Part"], ["LONG"]), ["a"], (np.array([0]), np.array([1]), np.array([[1.0]])))
    assert side_by_side(old, new).old.country_codes.tolist() == ["LONG", "S"]
