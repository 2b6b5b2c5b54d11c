import io
from datetime import date

import pytest

from tasks.transforms.mobility.policy_files import read_policy_file
from tasks.transforms.records.delimited import RefusedFileError

LATEST = date(2023, 6, 1)
NAME = "index_stringency.csv"


def _read(text, name=NAME):
    """(region_id, day, values) of each row, rules of what was set aside, the rows themselves."""
    rows = read_policy_file(io.BytesIO(text if isinstance(text, bytes) else text.encode()), name, LATEST)
    assert rows.n_rows_in == len(rows.series) + sum(rows.set_aside.values())
    listed = [tuple(row.values()) for row in rows.table().to_pylist()]
    return [(row[0], str(row[2]), *row[3:]) for row in listed], dict(rows.set_aside), rows


def test_wide_file_with_unnamed_columns():
    rows, set_aside, _ = _read(",,01jan2020,02jan2020\nSweden,SWE,1.5,.\nNamibia,NAM,,3\n")
    assert rows == [
        ("SE", "2020-01-01", 1.5),
        ("SE", "2020-01-02", None),
        ("NA", "2020-01-01", None),
        ("NA", "2020-01-02", 3.0),
    ]
    assert set_aside == {}


def test_wide_file_with_the_code_in_front():
    assert _read("country_code,country_name,01Jan2020\nSWE,Sweden,1\n")[0] == [("SE", "2020-01-01", 1.0)]


def test_wide_file_with_states_and_cities():
    header = "CountryCode,CountryName,RegionCode,RegionName,CityCode,CityName,Jurisdiction,01Jan2020"
    rows, set_aside, _ = _read(
        f"{header}\nUSA,United States,,,,,NAT_TOTAL,1\nUSA,United States,US_CA,California,,,STATE_TOTAL,2\n"
        "USA,United States,US_CA,California,,,STATE_GOV,3\n"
        "AUS,Australia,AUS_NSW,New South Wales,AUS_1,Greater Sydney,CITY_TOTAL,4\n"
    )
    assert [row[0] for row in rows] == ["US", "US/California", "AU/New South Wales/Greater Sydney"]
    assert set_aside == {"jurisdiction_not_total": 1}


def test_wide_file_sets_cells_lines_and_columns_aside():
    text = (
        ",,01jan2020,31feb2020,03jan2020,01jan2030\nSweden,SWE,1,2,x,4\nUtopia,UTO,1,2,3,4\nGermany,DEU,1,2\n"
        "Italy,ITA,101,NA,3,4\nNote: none,,.,.,.,.\n,,.,.,.,.\n\n"
    )
    rows, set_aside, read = _read(text)
    assert rows == [("SE", "2020-01-01", 1.0), ("IT", "2020-01-03", 3.0)]
    assert set_aside == {
        "stringency_index_not_a_number": 1,
        "country_code_unknown": 4,
        "fewer_fields_than_header": 4,
        "stringency_index_above_100.0": 1,
        "footnote": 1,
        "impossible_date": 2,
        "future_date": 2,
    }
    assert {(one.line_number, one.rule) for one in read.broken} == {
        (2, "stringency_index_not_a_number"),
        (3, "country_code_unknown"),
        (4, "fewer_fields_than_header"),
        (5, "stringency_index_above_100.0"),
        (1, "impossible_date"),
        (1, "future_date"),
    }


def test_row_set_aside_keeps_its_words():
    _, _, read = _read(",,01jan2020\nSweden,SWE,many\nNote: from Oxford,,.\n")
    assert read.broken[0].fields == {"#1": "Sweden", "#2": "SWE", "01jan2020": "many"}
    assert (len(read.broken), read.set_aside["footnote"]) == (1, 1)  # a note is counted and not shelved


def test_jurisdiction_twice_keeps_the_first():
    rows, set_aside, _ = _read(",,01jan2020,02jan2020\nSweden,SWE,1,2\nSweden,SWE,1,3\n")
    assert (rows, set_aside) == (
        [("SE", "2020-01-01", 1.0), ("SE", "2020-01-02", 2.0)],
        {"repeated_row": 1, "repeated_key": 1},
    )


def test_long_file_with_tripled_line_ends():
    rows, set_aside, _ = _read(
        "CountryName,CountryCode,Date,StringencyIndex\r\r\nAruba,ABW,20200101,0.00\r\r\nAruba,ABW,20200102,\r\r\n"
    )
    assert (rows, set_aside) == ([("AW", "2020-01-01", 0.0), ("AW", "2020-01-02", None)], {})


def test_long_file_with_tabs_and_byte_order_mark():
    rows, _, read = _read(
        "\ufeffCountryName\tCountryCode\tRegionName\tRegionCode\tJurisdiction\tDate\tStringencyIndex"
        "\tStringencyIndexForDisplay\tEconomicSupportIndex\r\n"
        "Germany\tDEU\t\t\tNAT_TOTAL\t20200102\t\t84.26\t37.5\r\n"
        "Germany\tDEU\tBavaria\tDE_BY\tSTATE_TOTAL\t20200102\t1\t2\t.\r\n"
    )
    assert read.indices == ("stringency_index", "economic_support_index")
    assert rows == [("DE", "2020-01-02", None, 37.5), ("DE/Bavaria", "2020-01-02", 1.0, None)]


def test_long_file_sets_rows_aside():
    rows, set_aside, read = _read(
        "CountryCode,Date,StringencyIndex\nSWE,20200101,5\nSWE,20200101,5\nSWE,20200101,6\nSWE,20200132,5\n"
        "SWE,20240101,5\nSWE,,5\nSWE,20200102,many\nSWE,20200102,-1\nSWE,20200102\nZZZ,20200102,5\n,20200102,5\n"
        "SWE,20200103,nan"
    )
    assert rows == [("SE", "2020-01-01", 5.0)]
    assert set_aside == {
        "repeated_row": 1,
        "repeated_key": 1,
        "impossible_date": 1,
        "future_date": 1,
        "observed_on_missing": 1,
        "fewer_fields_than_header": 1,
        "stringency_index_not_a_number": 2,
        "stringency_index_below_0.0": 1,
        "country_code_unknown": 1,
        "country_code_missing": 1,
    }
    assert len(read.broken) == 11


@pytest.mark.parametrize(
    ("text", "name", "rule"),
    [
        ("", NAME, "file_empty"),
        (
            "CountryName,CountryCode,StartDate,EndDate,PolicyType,PolicyValue,Flag,InitialNote\n",
            NAME,
            "schema_of_policy_changes",
        ),
        ("CountryName,CountryCode,Value\n", NAME, "column_missing"),
        ("CountryName,Date,StringencyIndex\n", NAME, "column_missing"),
        ("CountryCode,Date,C1_School closing\n", NAME, "column_missing"),
        (",,01jan2020\nSweden,SWE,1\n", "index.csv", "index_unknown"),
        ('"CountryCode,Date\n', NAME, "header_unreadable"),
    ],
)
def test_other_files_are_refused(text, name, rule):
    with pytest.raises(RefusedFileError) as refusal:
        _read(text, name)
    assert refusal.value.rule == rule


@pytest.mark.parametrize("header", [",,01jan2020\n", "CountryCode,Date,StringencyIndex\n"])
def test_header_only_has_no_rows(header):
    rows, set_aside, read = _read(header)
    assert (rows, set_aside, read.last_day) == ([], {}, None)


def test_last_day_is_the_last_with_a_value():
    _, _, read = _read(",,01jan2020,02jan2020\nSweden,SWE,1,.\n")
    assert read.last_day == (date(2020, 1, 1) - date(1970, 1, 1)).days
