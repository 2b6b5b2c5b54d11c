from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_adjustment import slow_adjustment

from tasks.transforms.mobility.adjustment import mean_around, median_of_weeks, take_apart

MONDAY = date(2020, 3, 2)
WEEK = np.array([-4.0, -3.0, -2.0, -1.0, 0.0, 4.0, 6.0])  # a weekday pattern whose mean is 0
N_DAYS = 84


def grid(values):
    return np.array([np.nan if value is None else value for value in values], float).reshape(1, -1, 1)


def apart(values, holidays=()):
    is_holiday = np.zeros((1, len(values)), np.bool_)
    is_holiday[0, list(holidays)] = True
    parts = take_apart(grid(values), is_holiday)
    return parts.weekday[0, :, 0], parts.holiday[0, :, 0], parts.adjusted[0, :, 0]


def weekly(n_days=N_DAYS, level=-30.0):
    return level + np.tile(WEEK, n_days // 7)


def test_a_weekly_pattern_goes_into_the_weekday_effect_and_leaves_the_level():
    weekday, holiday, adjusted = apart(weekly())
    inside = slice(3, -3)  # at either end a week is not whole, and its mean not quite the level
    assert weekday[inside] == pytest.approx(np.tile(WEEK, 12)[inside], abs=0)
    assert (holiday == 0).all()
    assert adjusted[inside] == pytest.approx(np.full(N_DAYS - 6, -30.0), abs=0)


def test_a_holiday_is_taken_off_alone_and_does_not_spoil_its_weekday():
    values = weekly()
    values[38] -= 40.0
    weekday, holiday, adjusted = apart(values, [38])
    assert holiday[38] == -40.0
    assert np.count_nonzero(holiday) == 1
    assert weekday[3:-3] == pytest.approx(np.tile(WEEK, 12)[3:-3], abs=0)
    assert adjusted[3:-3] == pytest.approx(np.full(N_DAYS - 6, -30.0), abs=0)


def test_a_spike_that_is_no_holiday_stays_where_it_is():
    values = weekly()
    values[38] -= 40.0
    weekday, holiday, adjusted = apart(values)
    assert (weekday[38], holiday[38], adjusted[38]) == (WEEK[38 % 7], 0.0, -70.0)


def test_a_day_never_explains_itself():
    """Whatever a day's own value is, the effect of its weekday is the same."""
    one, other = weekly(), weekly()
    other[40] = 900.0
    assert apart(one)[0][40] == apart(other)[0][40]


def test_days_further_than_four_weeks_and_three_days_change_nothing():
    one, other = weekly(), weekly()
    other[40 + 32 :] = 500.0
    for before, after in zip(apart(one), apart(other), strict=True):
        assert before[40] == after[40]


def test_a_holiday_looks_six_days_further_and_no_more():
    def holiday_effect(changed_from):
        values = weekly(98)
        values[changed_from:] += np.arange(98 - changed_from) ** 2.0
        return apart(values, [40])[1][40]

    assert holiday_effect(40 + 6 + 28 + 3 + 1) == holiday_effect(98)
    assert holiday_effect(40 + 5) != holiday_effect(98)


def test_effects_of_a_lockdown_follow_it():
    """The pattern of the weeks before ends within the weeks after, instead of being spread over the whole series."""
    values = np.concatenate([np.zeros(N_DAYS), weekly()])
    weekday, _, adjusted = apart(values)
    assert (weekday[: N_DAYS - 32] == 0).all()
    assert adjusted[N_DAYS + 32 : -3] == pytest.approx(np.full(N_DAYS - 35, -30.0), abs=0)


def test_gaps_only_thin_what_is_known():
    values = list(weekly())
    for day in (38, 39, 53, 61):
        values[day] = None
    _, _, adjusted = apart(values)
    assert np.flatnonzero(np.isnan(adjusted)).tolist() == [38, 39, 53, 61]
    # One of seven days missing moves the mean of a week by 1 at most here (6 / 6), and the median of eight by less.
    assert adjusted[~np.isnan(adjusted)][3:-3] == pytest.approx(np.full(N_DAYS - 10, -30.0), abs=1.0)


def test_a_series_too_short_for_three_weeks_has_no_effect_and_nothing_adjusted():
    for part in apart(weekly(21)):
        assert np.isnan(part).all()


def test_a_holiday_among_holidays_has_no_ordinary_day_to_be_held_against():
    weekday, holiday, adjusted = apart(weekly(), range(35, 50))
    assert np.isnan(holiday[42])
    assert np.isnan(weekday[42])
    assert np.isnan(adjusted[42])
    assert holiday[36] == pytest.approx(0, abs=1 / 64)


@pytest.mark.parametrize("values", [[], [5.0], [None] * 50])
def test_nothing_one_day_and_nothing_published(values):
    for part in apart(values):
        assert part.shape == (len(values),)
        assert np.isnan(part).all()


def test_neighbouring_series_do_not_mix_and_nothing_is_changed():
    both = np.concatenate([grid(weekly()), grid(weekly(level=50.0))])
    both = np.concatenate([both, both * 2], axis=2)
    before = both.copy()
    parts = take_apart(both, np.zeros(both.shape[:2], np.bool_))
    assert np.array_equal(both, before)
    alone = take_apart(grid(weekly(level=50.0)) * 2, np.zeros((1, N_DAYS), np.bool_))
    assert np.array_equal(parts.adjusted[1, :, 1], alone.adjusted[0, :, 0])


def test_mean_around_wants_enough_days():
    assert np.isnan(mean_around(grid([1, None, 3]), 1, 2)[0, :, 0]).tolist() == [True, False, True]
    assert mean_around(grid([1, None, 3]), 1, 1)[0, :, 0].tolist() == [1.0, 2.0, 3.0]


def test_median_of_an_even_and_of_an_odd_number_of_weeks():
    values = [None] * 64
    for week, value in enumerate((1.0, 2.0, 30.0, 400.0)):
        values[7 * week] = value
    found = median_of_weeks(grid(values), (-4, -3, -2, -1, 1, 2, 3, 4))[0, :, 0]
    assert found[14] == 2.0  # of 1, 2 and 400
    assert found[28] == 16.0  # of 1, 2, 30 and 400
    assert np.isnan(found[42])  # two weeks are too few


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(0, 110), st.sampled_from([0.0, 0.1, 0.4]), st.sampled_from([0.0, 0.05, 0.3])
)
def test_equal_to_the_day_by_day_oracle_and_exactly_the_value_again(seed, n_days, share_missing, share_holidays):
    """Gaps and holidays at random; whole numbers, as Google publishes them."""
    rng = np.random.default_rng(seed)
    values = [None if rng.random() < share_missing else int(rng.integers(-100, 200)) for _ in range(n_days)]
    holidays = np.flatnonzero(rng.random(n_days) < share_holidays).tolist()
    parts = np.stack(apart(values, holidays), axis=-1)
    days = [MONDAY + timedelta(days=day) for day in range(n_days)]
    expected = slow_adjustment(dict(zip(days, values, strict=True)), {days[day] for day in holidays})
    for found, day, value in zip(parts, days, values, strict=True):
        if expected[day] is None:
            assert np.isnan(found).all()
        else:
            # Means are summed in the same order; a tie between two multiples of 1/64 may still round either way.
            assert found.tolist() == pytest.approx(expected[day], abs=2 / 64)
            assert (found * 64 % 1 == 0).all()
            assert found.sum() == value
