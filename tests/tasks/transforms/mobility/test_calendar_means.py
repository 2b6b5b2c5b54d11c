from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_means import slow_means

from tasks.transforms.mobility.calendar_means import calendar_means

FIRST = date(2020, 2, 15)


def _means(days, values, before, after, series=None):
    column = np.array([[np.nan if value is None else value] for value in values], float).reshape(-1, 1)
    series = np.zeros(len(days), np.int32) if series is None else np.array(series, np.int32)
    return calendar_means(series, np.array(days, np.int32), column, before=before, after=after)[:, 0].tolist()


def test_trailing_window_ignores_tomorrow_and_the_day_a_week_ago():
    assert _means(range(9), [70, 0, 0, 0, 0, 0, 0, 7, 100], 6, 0)[6:8] == [10.0, 1.0]


def test_centred_window_reaches_six_days_both_ways():
    values = [1300.0, *[0.0] * 5, 26.0, *[0.0] * 5, 13.0, 9999.0]
    assert _means(range(14), values, 6, 6)[6] == (1300 + 26 + 13) / 13


def test_missing_day_is_a_gap_and_not_a_shift():
    assert _means([0, 1, 9], [1, 3, 50], 6, 6) == [2.0, 2.0, 50.0]


def test_unpublished_day_has_no_mean_and_counts_in_none():
    assert _means([0, 1, 2], [4, None, 8], 6, 0)[::2] == [4.0, 6.0]
    assert np.isnan(_means([0, 1, 2], [4, None, 8], 6, 0)[1])


def test_neighbouring_series_do_not_mix():
    assert _means([0, 0, 1], [1, 5, 7], 6, 6, series=[3, 4, 4]) == [1.0, 6.0, 6.0]


def test_no_rows_and_one_row():
    assert _means([], [], 6, 6) == []
    assert _means([5], [2.5], 6, 6) == [2.5]


@pytest.mark.parametrize("days", [[1, 0], [1, 1]])
def test_unsorted_or_repeated_days_are_refused(days):
    with pytest.raises(ValueError, match="sorted"):
        _means(days, [1, 2], 6, 6)


# Google's values are whole numbers, reconstructed ones have up to three decimals; the sums are plain, so 1e-9 is ample.
VALUES = st.none() | st.integers(-100, 10_000).map(float) | st.decimals(-100, 1000, places=3).map(float)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.integers(0, 40), VALUES, max_size=30), min_size=1, max_size=3),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_equal_to_the_day_by_day_oracle(histories, before, after):
    series, days, values, expected = [], [], [], []
    for number, history in enumerate(histories):
        means = slow_means(
            {FIRST + timedelta(days=day): history[day] for day in sorted(history)}, before=before, after=after
        )
        series += [number] * len(history)
        days += sorted(history)
        values += [history[day] for day in sorted(history)]
        expected += means.values()
    found = _means(days, values, before, after, series)
    assert [None if np.isnan(value) else value for value in found] == [
        None if value is None else pytest.approx(value, rel=0, abs=1e-9) for value in expected
    ]
