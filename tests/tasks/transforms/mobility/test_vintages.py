import math
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_vintages import slow_long_rows

from expectations.contracts.mobility import CATEGORIES, MOBILITY
from tasks.transforms.mobility import vintages as mobility_vintages
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA
from tasks.transforms.mobility.vintages import Report, long_batches, merge_reports, national_days

FIRST = date(2020, 2, 15)
PLACES = {
    "DE": Region("DE", "Germany"),
    "DE/Bavaria": Region("DE", "Germany", "Bavaria"),
    "NA": Region("NA", "Namibia"),
}


def _report(vintage, rows, places=PLACES):
    """`rows` maps (name of a place, days after the first) to six values."""
    numbers = {name: number for number, name in enumerate(places)}
    lines = [(numbers[name], FIRST + timedelta(days=day), *values) for (name, day), values in rows.items()]
    columns = list(zip(*lines, strict=True)) or [[] for _ in WIDE_SCHEMA]
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, WIDE_SCHEMA, strict=True)], schema=WIDE_SCHEMA
    )
    return Report(vintage, dict(enumerate(places.values())), table)


def _long(merged):
    batches = list(long_batches(merged))
    schema = MOBILITY.arrow_schema()
    rows = (
        pa.concat_tables([pa.Table.from_batches([batch]).cast(schema) for batch in batches])
        if batches
        else MOBILITY.empty()
    )
    assert rows.num_rows == merged.n_rows
    return rows


def test_later_vintage_wins_and_its_revision_is_measured():
    old, new = (
        _report("a" * 12, {("DE", 0): [1, 2, 3, None, 5, 6], ("DE", 1): [0] * 6}),
        _report("b" * 12, {("DE", 0): [1, 4, None, 4, 5, 6]}),
    )
    merged = merge_reports([old, new])
    rows = _long(merged).to_pylist()
    assert [row["vintage"][0] for row in rows] == ["b"] * 6 + ["a"] * 6
    assert {row["category"]: row["change_pct"] for row in rows[:6]}["grocery_and_pharmacy"] == 4
    (superseded,) = merged.superseded
    assert (
        superseded.report,
        superseded.country_code,
        superseded.n_values,
        superseded.n_revised,
        superseded.mean_revision_pct,
    ) == (0, "DE", 6, 3, 2.0)


def test_equal_values_of_a_replaced_row_are_no_revision():
    report = _report("a" * 12, {("DE", 0): [1, None, 3, 4, 5, 6]})
    (superseded,) = merge_reports([report, report]).superseded
    assert (superseded.n_values, superseded.n_revised, math.isnan(superseded.mean_revision_pct)) == (6, 0, True)


def test_unpublished_value_of_the_latest_vintage_stays_unpublished():
    old, new = _report("a" * 12, {("DE", 0): [1] * 6}), _report("b" * 12, {("DE", 0): [None] * 6})
    assert _long(merge_reports([old, new]))["change_pct"].to_pylist() == [None] * 6


def test_renamed_region_continues_under_its_first_identifier_with_its_latest_names():
    places = [
        {"x": Region("SE", "Sweden", name, iso_3166_2_code="SE-M", place_id=place)}
        for name, place in (("Scania", None), ("Skåne", "p"))
    ]
    merged = merge_reports(
        [
            _report(vintage * 12, {("x", day): [0] * 6}, place)
            for day, (vintage, place) in enumerate(zip("ab", places, strict=True))
        ]
    )
    rows = _long(merged).to_pylist()
    assert {row["region_id"] for row in rows} == {"SE/Scania"}
    assert {(row["subregion_1"], row["iso_3166_2_code"], row["place_id"]) for row in rows} == {("Skåne", "SE-M", "p")}


def test_rows_are_sorted_by_key_over_batches(monkeypatch):
    monkeypatch.setattr(mobility_vintages, "REGION_DAYS_PER_BATCH", 2)
    merged = merge_reports(
        [_report("a" * 12, {(name, day): [day] * 6 for name in reversed(PLACES) for day in (3, 1, 0)})]
    )
    assert len(list(long_batches(merged))) == 3
    keys = [tuple(row[name] for name in MOBILITY.key) for row in _long(merged).to_pylist()]
    assert keys == sorted(keys)
    assert len(set(keys)) == 3 * 3 * 6


def test_national_days_leave_parts_out():
    merged = merge_reports(
        [_report("a" * 12, {("DE", 0): [1, 2, 3, 4, 5, None], ("DE/Bavaria", 0): [9] * 6, ("NA", 1): [7] * 6})]
    )
    assert [list(row.values()) for row in national_days(merged).to_pylist()] == [
        ["DE", FIRST, 1, 2, 3, 4, 5, None],
        ["NA", FIRST + timedelta(days=1), *[7] * 6],
    ]


def test_metro_area_is_no_country():
    places = {"x": Region("GH", "Ghana", metro_area="Accra")}
    assert national_days(merge_reports([_report("a" * 12, {("x", 0): [1] * 6}, places)])).num_rows == 0


def test_no_rows_and_no_reports():
    assert _long(merge_reports([])).num_rows == 0
    assert _long(merge_reports([_report("a" * 12, {})])).num_rows == 0
    assert national_days(merge_reports([])).num_rows == 0


def test_row_twice_in_a_report_is_a_defect_of_its_reader():
    report = _report("a" * 12, {("DE", 0): [1] * 6})
    with pytest.raises(ValueError, match="twice"):
        merge_reports([Report(report.vintage, report.regions, pa.concat_tables([report.rows, report.rows]))])


VALUES = st.tuples(*[st.none() | st.integers(-100, 300).map(float)] * 6)
HISTORIES = st.lists(
    st.dictionaries(st.tuples(st.sampled_from(list(PLACES)), st.integers(0, 30)), VALUES, max_size=12), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_equal_to_the_dictionary_oracle(histories):
    vintages = [f"{number:012}" for number in range(len(histories))]
    merged = merge_reports([_report(vintage, rows) for vintage, rows in zip(vintages, histories, strict=True)])
    dated = [
        {(name, FIRST + timedelta(days=day)): values for (name, day), values in rows.items()} for rows in histories
    ]
    expected, n_replaced, n_revised = slow_long_rows(list(zip(vintages, dated, strict=True)))
    found = _long(merged).select(
        [
            "region_id",
            "observed_on",
            "category",
            "change_pct",
            "change_pct_centred_13d",
            "change_pct_trailing_7d",
            "vintage",
        ]
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (
            names,
            day,
            category,
            *(value if value is None else pytest.approx(value, rel=0, abs=1e-9) for value in means),
            vintage,
        )
        for names, day, category, *means, vintage in expected
    ]
    assert sum(one.n_values for one in merged.superseded) == n_replaced
    assert sum(one.n_revised for one in merged.superseded) == n_revised
    assert sum(len(rows) for rows in histories) * 6 == merged.n_rows + n_replaced


def test_oracles_categories_are_ours():
    from oracles import slow_vintages  # noqa: PLC0415  # only its names are looked at

    assert slow_vintages.CATEGORIES == CATEGORIES
