from datetime import date

import pytest

from tasks.transforms.mobility.adjustment_holidays import public_holidays

YEAR = (date(2020, 1, 1), date(2020, 12, 31))


def test_a_part_has_its_own_holidays_and_those_of_its_country():
    country, part = public_holidays("DE", None, *YEAR), public_holidays("DE", "DE-BY", *YEAR)
    assert date(2020, 6, 11) not in country
    assert part[date(2020, 6, 11)] == "Corpus Christi"
    assert country.items() <= part.items()


def test_names_are_english_where_the_package_has_them():
    assert public_holidays("DE", None, *YEAR)[date(2020, 10, 3)] == "German Unity Day"
    assert public_holidays("NZ", None, *YEAR)[date(2020, 2, 6)] == "Waitangi Day"


def test_names_do_not_depend_on_the_language_of_the_machine(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    public_holidays.cache_clear()
    assert public_holidays("DE", None, *YEAR)[date(2020, 10, 3)] == "German Unity Day"


def test_a_part_that_is_not_listed_has_the_holidays_of_its_country():
    assert public_holidays("DE", "DE-XX", *YEAR) == public_holidays("DE", None, *YEAR)


@pytest.mark.parametrize("country", ["XX", "GW"])
def test_a_country_that_is_not_listed_has_none(country):
    assert public_holidays(country, None, *YEAR) == {}


def test_only_days_of_the_span_are_given():
    assert list(public_holidays("SE", None, date(2020, 12, 25), date(2021, 1, 1))) == [
        date(2020, 12, 25), date(2020, 12, 26), date(2021, 1, 1),
    ]  # fmt: skip
