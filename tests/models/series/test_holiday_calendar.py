from datetime import date

import numpy as np

from models.series.holiday_calendar import holiday_calendar


def day(year: int, month: int, day_of_month: int) -> int:
    return (date(year, month, day_of_month) - date(1970, 1, 1)).days


def test_holidays_of_countries_and_parts() -> None:
    first, last = day(2020, 12, 20), day(2021, 1, 10)
    places = [("DE", None), ("DE", "DE-BY"), ("DE", "DE-XX"), ("SE", None), ("XX", None)]
    calendar = holiday_calendar(places, first, last)
    assert calendar.is_holiday.shape == (5, 22)
    christmas, epiphany, monday = day(2020, 12, 25), day(2021, 1, 6), day(2020, 12, 28)
    every = np.arange(5)
    np.testing.assert_array_equal(calendar.on(every, np.array(christmas)), [True, True, True, True, False])
    np.testing.assert_array_equal(calendar.on(every, np.array(epiphany)), [False, True, False, True, False])
    assert not calendar.on(every, np.array(monday)).any()


def test_days_outside_of_the_calendar_are_no_holidays() -> None:
    calendar = holiday_calendar([("DE", None)], day(2021, 1, 1), day(2021, 1, 1))
    np.testing.assert_array_equal(calendar.on(np.zeros(3, int), np.arange(3) + day(2020, 12, 31)), [False, True, False])


def test_no_places_have_an_empty_calendar() -> None:
    assert holiday_calendar([], 0, 9).is_holiday.shape == (0, 10)
