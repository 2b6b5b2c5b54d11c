from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.mobility.vintage_order import ORDERS, FileVintage, in_order, known_from


def _file(uri, last_day, fetched_day, order="reach", *, nth=1, source="google"):
    last_on = None if last_day is None else date(2020, 10, last_day)
    fetched_at = datetime(2021, 1, fetched_day, 12, tzinfo=UTC)
    return FileVintage(source, uri, f"{uri}{nth}", last_on, fetched_at, nth, order)


def _uris(*files):
    return [one.uri for one in in_order(files)]


def test_by_default_the_last_day_inside_decides_then_the_fetch_then_the_place():
    assert _uris(_file("a", 9, 1), _file("b", 8, 2)) == ["b", "a"]
    assert _uris(_file("a", 9, 2), _file("b", 9, 1)) == ["b", "a"]
    assert _uris(_file("b", 9, 1), _file("a", 9, 1)) == ["a", "b"]


def test_of_two_fetches_of_one_path_on_one_day_the_second_is_later():
    again = in_order([_file("a", 9, 1, nth=2), _file("a", 9, 1, nth=1)])
    assert [one.nth_fetch for one in again] == [1, 2]
    assert again[0].sort_key < again[1].sort_key


def test_a_source_can_say_that_the_fetch_decides():
    files = _file("a", 9, 1, "fetched"), _file("b", 8, 2, "fetched")
    assert _uris(*files) == ["a", "b"]
    assert [one.vintage_on for one in in_order(files)] == [date(2021, 1, 1), date(2021, 1, 2)]


def test_a_source_can_say_that_the_name_decides_and_none_counts_as_known_before_one_of_an_earlier_name():
    files = _file("v1", 9, 3, "name"), _file("v2", 4, 1, "name")
    assert _uris(*files) == ["v1", "v2"]
    assert [one.vintage_on.day for one in in_order(files)] == [9, 9]
    assert _uris(*files, _file("other", 10, 1, source="another")) == ["v1", "v2", "other"]


def test_a_file_without_any_value_is_older_than_all_others():
    assert _uris(_file("a", None, 9), _file("b", 1, 1)) == ["a", "b"]


def test_an_order_that_is_none_is_refused():
    with pytest.raises(ValueError, match="use one of reach, fetched, name"):
        known_from(date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), "newest")


FILES = st.builds(
    _file,
    st.sampled_from("abc"),
    st.none() | st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(ORDERS),
    nth=st.integers(1, 4),
    source=st.sampled_from(["one", "two"]),
)


@given(st.lists(FILES, max_size=8, unique_by=lambda one: (one.source, one.uri, one.nth_fetch)), st.randoms())
def test_order_does_not_depend_on_how_the_files_come(files, random):
    shuffled = random.sample(files, len(files))
    placed = in_order(files)
    assert in_order(shuffled) == placed
    assert sorted(placed, key=lambda one: one.sort_key) == placed
