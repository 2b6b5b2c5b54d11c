from datetime import date

import pytest

from expectations.contracts.mobility import INDICES, POLICY
from tasks.transforms.mobility.policy_tracker import (
    Jurisdiction,
    index_columns,
    index_of_file,
    is_wide_day,
    jurisdiction_of,
    read_policy_day,
    value_fault,
)
from tasks.transforms.records.delimited import RefusedFileError

LATEST = date(2023, 6, 1)


DAYS = ("01Jan2020", "02Jan2020")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("index_containmenthealth.csv.gz", "containment_health_index"),
        ("OxCGRT_timeseries_ContainmentHealthIndex_v1.csv.gz", "containment_health_index"),
        ("archive.zip#a/index_stringency.csv", "stringency_index"),
        ("OxCGRT_timeseries_GovernmentResponseIndex_v1.csv", "government_response_index"),
        ("index_economic_support.csv", "economic_support_index"),
        ("legacy/index_stringency.csv", "stringency_index"),
        ("../risk_team/vaccinated/index_stringency.csv", "stringency_index"),
        ("containmenthealth/index_stringency.csv", "stringency_index"),
        ("legacy.zip#risk/index_stringency.csv", "stringency_index"),
    ],
)
def test_wide_file_is_known_by_its_own_name_whatever_its_folder_is_called(name, index):
    assert index_of_file(name, DAYS) == index


@pytest.mark.parametrize(
    "name",
    [
        "index.csv",
        "index_stringency_legacy.csv",
        "stringency_and_containmenthealth.csv",
        "index_riskofopenness.csv",
        "stringency/data.csv",
        "stringency.zip#data.csv",
    ],
)
def test_file_of_no_single_known_index_is_refused(name):
    with pytest.raises(RefusedFileError, match="rename the file") as refused:
        index_of_file(name, DAYS)
    assert refused.value.rule == "index_unknown"


def test_header_tells_the_index_of_a_file_whose_name_does_not():
    assert index_of_file("stringency/data.csv", ("economic_support_index", "CountryCode", *DAYS)) == (
        "economic_support_index"
    )


def test_file_whose_name_and_header_tell_different_indices_is_refused():
    with pytest.raises(RefusedFileError, match=r"different indices \(economic_support_index, stringency_index\)"):
        index_of_file("index_stringency.csv", ("EconomicSupportIndex", *DAYS))


def test_published_columns_come_before_those_for_display_whatever_their_spelling():
    names = [
        "StringencyIndexForDisplay",
        "StringencyIndex",
        "StringencyLegacyIndex",
        "ContainmentHealthIndex_Average",
        "government_response_index",
    ]
    assert index_columns(names) == {
        "stringency_index": "StringencyIndex",
        "containment_health_index": "ContainmentHealthIndex_Average",
        "government_response_index": "government_response_index",
    }


def test_column_for_display_is_taken_where_there_is_no_other():
    assert index_columns(["EconomicSupportIndexForDisplay", "StringencyIndex_NonVaccinated"]) == {
        "economic_support_index": "EconomicSupportIndexForDisplay"
    }


@pytest.mark.parametrize("text", ["01Jan2020", "01jan2020", "20200101", "2020-01-01"])
def test_days_of_every_vintage_are_read(text):
    assert read_policy_day(text, LATEST) == ((date(2020, 1, 1) - date(1970, 1, 1)).days, "")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("31feb2020", "impossible_date"),
        ("20201301", "impossible_date"),
        ("01foo2020", "impossible_date"),
        ("soon", "impossible_date"),
        ("", "observed_on_missing"),
        ("20230602", "future_date"),
        ("20191231", "observed_on_below_2020-01-01"),
    ],
)
def test_days_that_cannot_be_have_a_rule(text, rule):
    assert read_policy_day(text, LATEST)[1] == rule


def test_header_of_a_day_is_told_from_others():
    assert [is_wide_day(text) for text in ("01Jan2020", "20200101", "CountryCode", "")] == [True, False, False, False]


def test_jurisdictions_of_all_levels():
    assert jurisdiction_of("NAM", "", "", "", "NAT_TOTAL") == Jurisdiction("NA", "NA")
    assert jurisdiction_of("RKS", "", "", "", "") == Jurisdiction("XK", "XK")
    assert jurisdiction_of("USA", "US_CA", "California", "", "STATE_TOTAL") == Jurisdiction("US/California", "US")
    assert (
        jurisdiction_of("AUS", "AUS_NSW", "New South Wales", "Greater Sydney", "CITY_TOTAL").region_id
        == "AU/New South Wales/Greater Sydney"
    )


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        (("", "", "", "", ""), "country_code_missing"),
        (("XYZ", "", "", "", ""), "country_code_unknown"),
        (("DE", "", "", "", ""), "country_code_unknown"),
        (("USA", "US_CA", "California", "", "STATE_WIDE"), "jurisdiction_not_total"),
    ],
)
def test_rows_without_a_jurisdiction_have_a_rule(fields, rule):
    assert jurisdiction_of(*fields)[0] == rule


def test_bounds_are_the_contracts():
    for index in INDICES:
        assert (POLICY.column(index).minimum, POLICY.column(index).maximum) == (0.0, 100.0)
        assert value_fault(index, 0.0, "0") is value_fault(index, 100.0, "100") is None
        assert value_fault(index, -0.1, "-0.1")[0] == f"{index}_below_0.0"
        assert value_fault(index, 100.1, "100.1")[0] == f"{index}_above_100.0"
        assert value_fault(index, float("inf"), "lots")[0] == f"{index}_not_a_number"
