import io
import random
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_report import slow_report

from tasks.transforms.mobility import reports as mobility_reports
from tasks.transforms.mobility.reports import (
    OPTIONAL_FIELDS,
    REGION_FIELDS,
    VALUE_FIELDS,
    WIDE_SCHEMA,
    ReportReader,
    read_header,
)
from tasks.transforms.records.delimited import RefusedFileError

LATEST = date(2021, 1, 1)
ELEVEN = ",".join([*REGION_FIELDS[:4], "date", *VALUE_FIELDS])
FOURTEEN = ",".join([*REGION_FIELDS[:7], "date", *VALUE_FIELDS])
FIFTEEN = ",".join([*REGION_FIELDS, "date", *VALUE_FIELDS])
BERLIN = "DE,Germany,Berlin,,,DE-BE,,ChIJ1"


def _read(text):
    """Rows as (region, day, values), line number to rule, the last reader."""
    content = text if isinstance(text, bytes) else text.encode()
    findings = mobility_reports.Findings()
    for _ in range(3):
        stream, broken = io.BytesIO(content), []
        reader = ReportReader(read_header(stream), LATEST, broken.append, findings)
        rows = pa.Table.from_batches(reader.batches(stream), WIDE_SCHEMA)
        better = reader.verdict()
        if better is None:
            break
        findings = better
    else:
        raise AssertionError("no pass held")
    assert reader.n_rows_in == reader.n_rows_out + sum(reader.set_aside.values())
    assert (rows.num_rows, len(broken)) == (reader.n_rows_out, sum(reader.set_aside.values()))
    kept = [
        (tuple(reader.regions.regions[row["region_no"]]), row["observed_on"], tuple(list(row.values())[2:]))
        for row in rows.to_pylist()
    ]
    return kept, {row.line_number: row.rule for row in broken}, reader


@pytest.mark.parametrize(
    ("header", "line", "codes"),
    [
        (ELEVEN, "DE,Germany,Berlin,,2020-02-15,1,2,,4,5,-6", (None, None, None)),
        (FOURTEEN, "DE,Germany,Berlin,,,DE-BE,,2020-02-15,1,2,,4,5,-6", ("DE-BE", None, None)),
        (FIFTEEN, "DE,Germany,Berlin,,,DE-BE,,ChIJ1,2020-02-15,1,2,,4,5,-6", ("DE-BE", None, "ChIJ1")),
    ],
)
def test_all_three_schemas_are_read(header, line, codes):
    kept, broken, _ = _read(f"{header}\r\n{line}\r\n")
    assert (kept, broken) == (
        [(("DE", "Germany", "Berlin", None, None, *codes), date(2020, 2, 15), (1, 2, None, 4, 5, -6))],
        {},
    )


def test_namibia_is_a_country_and_no_missing_value():
    kept, _, _ = _read(f"{ELEVEN}\nNA,Namibia,,,2020-02-15,1,2,3,4,5,6\n")
    assert kept[0][0][:2] == ("NA", "Namibia")


def test_fips_codes_are_five_digits_of_text():
    kept, broken, _ = _read(
        f"{FOURTEEN}\nUS,United States,Alabama,Autauga County,,,1001,2020-02-15,1,,,,,\n"
        "US,United States,Alabama,Bibb County,,,01007,2020-02-15,1,,,,,\n"
        "US,United States,Alabama,X,,,1.0,2020-02-15,1,,,,,\n"
    )
    assert ([region[6] for region, _, _ in kept], broken) == (["01001", "01007"], {4: "census_fips_code_malformed"})


def test_slashed_dates_take_the_form_that_the_whole_file_shows():
    lines = [f"SE,Sweden,,,{text},1,,,,," for text in ("1/2/2020", "2/27/2020", "2/28/2020", "13/2/2020")]
    kept, broken, _ = _read("\n".join([ELEVEN, *lines]))
    assert ([day for _, day, _ in kept], broken) == (
        [date(2020, 1, 2), date(2020, 2, 27), date(2020, 2, 28)],
        {5: "impossible_date"},
    )


def test_form_that_only_the_last_block_tells_is_used_from_the_first(monkeypatch):
    monkeypatch.setattr("tasks.transforms.records.delimited.BLOCK_BYTES", 40)
    monkeypatch.setattr("tasks.transforms.mobility.reports.whole_lines", lambda stream: _blocks(stream, 40))
    lines = [f"SE,Sweden,,,{text},1,,,,," for text in ("1/2/2020", "2/3/2020", "28/2/2020")]
    kept, broken, _ = _read("\n".join([ELEVEN, *lines]))
    assert ([day for _, day, _ in kept], broken) == ([date(2020, 2, 1), date(2020, 3, 2), date(2020, 2, 28)], {})


def _blocks(stream, n_bytes):
    from tasks.transforms.records.delimited import whole_lines  # noqa: PLC0415  # under test its name is replaced

    return whole_lines(stream, n_bytes)


def test_ambiguous_dates_refuse_the_file():
    with pytest.raises(RefusedFileError, match="month first and day first"):
        _read(f"{ELEVEN}\nSE,Sweden,,,1/2/2020,1,,,,,\n")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("DE,Germany,,,2021-01-02,1,2,3,4,5,6", "future_date"),
        ("DE,Germany,,,2019-12-31,1,2,3,4,5,6", "observed_on_below_2020-01-01"),
        ("DE,Germany,,,2020-02-30,1,2,3,4,5,6", "impossible_date"),
        ("DE,Germany,,,,1,2,3,4,5,6", "observed_on_missing"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,5,-101", "change_pct_below_-100.0"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,10001,6", "change_pct_above_10000.0"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,lots,6", "change_pct_not_a_number"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,nan,6", "change_pct_not_a_number"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,inf,6", "change_pct_not_a_number"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,5", "fewer_fields_than_header"),
        ("DE,Germany,,,2020-02-16,1,2,3,4,5,6,7", "more_fields_than_header"),
        ("DEU,Germany,,,2020-02-16,1,2,3,4,5,6", "country_code_malformed"),
        (",Germany,,,2020-02-16,1,2,3,4,5,6", "country_code_missing"),
        ("DE,,,,2020-02-16,1,2,3,4,5,6", "country_missing"),
        ("DE,Germany,,,2020-02-15,1,2,3,4,5,6", "repeated_row"),
        ("DE,Germany,,,2020-02-15,1,2,3,4,5,7", "repeated_key"),
    ],
)
def test_bad_row_is_set_aside_and_the_rest_goes_on(line, rule):
    good = "DE,Germany,,,2020-02-15,1,2,3,4,5,6"
    kept, broken, reader = _read(f"{ELEVEN}\n{good}\n{line}\nDE,Germany,Berlin,,2020-02-15,1,2,3,4,5,6\n")
    assert broken == {3: rule}
    assert [row[2] for row in kept] == [(1, 2, 3, 4, 5, 6)] * 2
    assert reader.n_rows_in == 3


def test_row_set_aside_keeps_its_words():
    broken = []
    stream = io.BytesIO(f"{ELEVEN}\nDE,Germany,,,2020-02-16,1,2,3,4,lots,6\nDE\n".encode())
    list(ReportReader(read_header(stream), LATEST, broken.append).batches(stream))
    assert broken[0].fields["workplaces_percent_change_from_baseline"] == "lots"
    assert (broken[0].line_number, "workplaces" in broken[0].message) == (2, True)
    assert (broken[1].line_number, broken[1].fields) == (3, {"line": "DE"})


def test_same_names_with_another_place_id_are_another_region():
    kept, broken, reader = _read(
        f"{FIFTEEN}\nAR,Argentina,B,M,,,,ChIJa,2020-02-15,1,,,,,\nAR,Argentina,B,M,,,,ChIJb,2020-02-15,2,,,,,\n"
    )
    assert (len(kept), broken, reader.regions.n_rows) == (2, {}, [1, 1])


def test_country_spelled_in_two_ways_is_one_region():
    _, broken, reader = _read(f"{ELEVEN}\nCI,Ivory Coast,,,2020-02-15,1,,,,,\nCI,Côte d'Ivoire,,,2020-02-15,1,,,,,\n")
    assert (broken, len(reader.regions.regions)) == ({3: "repeated_row"}, 1)


@pytest.mark.parametrize(
    ("header", "rule", "says"),
    [
        (ELEVEN.replace("sub_region_2,", ""), "column_missing", "sub_region_2"),
        (
            "Entity,Code,Date,Retail & Recreation,Grocery & Pharmacy,Parks,Transit Stations,Workplaces,Residential",
            "schema_of_7_day_means",
            "7-day",
        ),
        (ELEVEN.replace("sub_region_2", "sub_region_1"), "column_missing", "sub_region_2"),
        (ELEVEN + ",date", "column_repeated", "date"),
    ],
)
def test_other_schema_refuses_the_file(header, rule, says):
    with pytest.raises(RefusedFileError, match=says) as refusal:
        read_header(io.BytesIO(header.encode()))
    assert refusal.value.rule == rule


def test_unknown_extra_column_is_accepted_and_noted():
    stream = io.BytesIO(f"{ELEVEN},mood\n".encode())
    assert read_header(stream).unknown == ("mood",)
    kept, broken, _ = _read(f"{ELEVEN},mood\nDE,Germany,,,2020-02-15,1,2,3,4,5,6,fine\n")
    assert (len(kept), broken) == (1, {})


def test_header_only_has_no_rows():
    kept, broken, reader = _read(f"{FIFTEEN}\n")
    assert (kept, broken, reader.n_rows_in, reader.last_on) == ([], {}, 0, None)


def test_last_day_is_that_of_kept_rows():
    _, _, reader = _read(
        f"{ELEVEN}\nDE,Germany,,,2020-02-15,1,,,,,\nDE,Germany,,,2020-03-15,1,,,,\nDE,Germany,,,2025-03-15,1,,,,,\n"
    )
    assert reader.last_on == date(2020, 2, 15)


FIELDS = {
    "code": ["DE", "NA", ""],
    "country": ["Germany", ""],
    "first": ["", "Bavaria", '"Foo, Bar"', '"open'],
    "day": ["2020-02-15", "2020-02-16", "2020-02-31", "2021-02-01", "2019-01-01", ""],
    "value": ["1", "", "-7.5", "-101", "x"],
}
CLEAN = st.builds("{},{},{},,{},{},1,2,3,4,5".format, *(st.sampled_from(choices[:2]) for choices in FIELDS.values()))
MESSY = st.builds("{},{},{},,{},{},1,2,3,4,5".format, *(st.sampled_from(choices) for choices in FIELDS.values()))


@settings(max_examples=80, deadline=None)
@given(st.lists(CLEAN | MESSY | st.sampled_from(["", "DE,Germany", "a" * 3 + "," * 14]), max_size=30))
def test_equal_to_the_line_by_line_oracle(lines):
    text = "\n".join([ELEVEN, *lines]) + "\n"
    expected, faults = slow_report(text, LATEST)
    kept, broken, _ = _read(text)
    assert broken == faults
    assert [(region[:1] + region[2:], day, values) for region, day, values in kept] == [
        (region[:1] + region[2:], day, values) for region, day, values in expected
    ]


def test_rows_in_any_order_are_read_alike():
    lines = [
        f"{BERLIN.replace('Berlin', name)},2020-03-{day:02},{day},,,,,"
        for name in ("Berlin", "Bremen", "Hamburg")
        for day in range(1, 29)
    ]
    shuffled = random.Random(5).sample(lines, len(lines))
    assert sorted(map(repr, _read("\n".join([FIFTEEN, *lines]))[0])) == sorted(
        map(repr, _read("\n".join([FIFTEEN, *shuffled]))[0])
    )


def test_optional_fields_are_those_that_older_schemas_lack():
    assert set(FIFTEEN.split(",")) - set(ELEVEN.split(",")) == set(OPTIONAL_FIELDS)
