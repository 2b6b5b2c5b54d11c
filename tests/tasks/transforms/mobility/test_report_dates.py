from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.mobility.report_dates import FORMS, date_form, read_date
from tasks.transforms.records.delimited import RefusedFileError


def test_each_form_reads_its_own():
    assert (
        read_date("2020-02-15", "iso")
        == read_date("2/15/2020", "month_first")
        == read_date("15/02/2020", "day_first")
        == date(2020, 2, 15)
    )


@pytest.mark.parametrize("text", ["2/30/2020", "2020-02-30", "", "20200215", "2020-2-15", "15.2.2020", "٢/15/2020"])
def test_impossible_days_are_none(text):
    assert [read_date(text, form) for form in FORMS] == [None, None, None]


def test_one_telling_date_decides_for_the_whole_file():
    assert date_form(["1/2/2020", "2/15/2020"]) == "month_first"
    assert date_form(["1/2/2020", "15/2/2020"]) == "day_first"


def test_most_dates_decide_where_some_are_wrong():
    assert date_form(["2/15/2020", "2/16/2020", "17/2/2020", "1/1/2020"]) == "month_first"


def test_ambiguous_dates_are_refused_with_a_remedy():
    with pytest.raises(RefusedFileError, match=r"1/2/2020.*month first and day first alike: write them as YYYY-MM-DD"):
        date_form(["1/2/2020", "3/4/2020", "not a date"])


def test_no_readable_date_is_no_ambiguity():
    assert date_form(["soon"]) == date_form([]) == "iso"


@given(st.dates(date(2020, 1, 1), date(2025, 1, 1)))
def test_forms_round_trip(day):
    assert read_date(day.isoformat(), "iso") == day
    assert read_date(f"{day.month}/{day.day}/{day.year}", "month_first") == day
    assert read_date(f"{day.day:02}/{day.month:02}/{day.year}", "day_first") == day
