import math
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from oracles.slow_vintages import slow_long_rows
from support.mobility_reports import FIRST, HISTORIES, PLACES, report

from expectations.contracts.mobility import CATEGORIES, MOBILITY
from tasks.transforms.mobility import vintages as mobility_vintages
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.vintages import long_batches, long_rows, merge_reports, national_days


def _long(merged):
    batches = list(long_rows(merged))
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
        report("a" * 12, {("DE", 0): [1, 2, 3, None, 5, 6], ("DE", 1): [0] * 6}),
        report("b" * 12, {("DE", 0): [1, 4, None, 4, 5, 6]}),
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
    one = report("a" * 12, {("DE", 0): [1, None, 3, 4, 5, 6]})
    (superseded,) = merge_reports([one, one]).superseded
    assert (superseded.n_values, superseded.n_revised, math.isnan(superseded.mean_revision_pct)) == (6, 0, True)


def test_unpublished_value_of_the_latest_vintage_stays_unpublished():
    old, new = report("a" * 12, {("DE", 0): [1] * 6}), report("b" * 12, {("DE", 0): [None] * 6})
    assert _long(merge_reports([old, new]))["change_pct"].to_pylist() == [None] * 6


def test_region_is_described_by_its_latest_names():
    places = [
        {"SE/Scania": Region("SE", "Sweden", name, iso_3166_2_code="SE-M", place_id=place)}
        for name, place in (("Scania", None), ("Skåne", "p"))
    ]
    merged = merge_reports(
        [
            report(vintage * 12, {("SE/Scania", day): [0] * 6}, place)
            for day, (vintage, place) in enumerate(zip("ab", places, strict=True))
        ]
    )
    rows = _long(merged).to_pylist()
    assert {row["region_id"] for row in rows} == {"SE/Scania"}
    assert {(row["subregion_1"], row["iso_3166_2_code"], row["place_id"]) for row in rows} == {("Skåne", "SE-M", "p")}


def test_rows_are_sorted_by_key_over_batches(monkeypatch):
    monkeypatch.setattr(mobility_vintages, "REGION_DAYS_PER_BATCH", 2)
    merged = merge_reports(
        [report("a" * 12, {(name, day): [day] * 6 for name in reversed(PLACES) for day in (3, 1, 0)})]
    )
    assert len(list(long_batches(merged))) == 3
    keys = [tuple(row[name] for name in MOBILITY.key) for row in _long(merged).to_pylist()]
    assert keys == sorted(keys)
    assert len(set(keys)) == 3 * 3 * 6


def test_national_days_leave_parts_out():
    merged = merge_reports(
        [report("a" * 12, {("DE", 0): [1, 2, 3, 4, 5, None], ("DE/Bavaria", 0): [9] * 6, ("NA", 1): [7] * 6})]
    )
    assert [list(row.values()) for row in national_days(merged).to_pylist()] == [
        ["DE", FIRST, 1, 2, 3, 4, 5, None],
        ["NA", FIRST + timedelta(days=1), *[7] * 6],
    ]


def test_metro_area_is_no_country():
    places = {"x": Region("GH", "Ghana", metro_area="Accra")}
    assert national_days(merge_reports([report("a" * 12, {("x", 0): [1] * 6}, places)])).num_rows == 0


def test_no_rows_and_no_reports():
    assert _long(merge_reports([])).num_rows == 0
    assert _long(merge_reports([report("a" * 12, {})])).num_rows == 0
    assert national_days(merge_reports([])).num_rows == 0


def test_row_twice_in_a_report_is_a_defect_of_its_reader():
    one = report("a" * 12, {("DE", 0): [1] * 6})
    with pytest.raises(ValueError, match="twice"):
        merge_reports([replace(one, rows=pa.concat_tables([one.rows, one.rows]))])


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_equal_to_the_dictionary_oracle(histories):
    vintages = [f"{number:012}" for number in range(len(histories))]
    merged = merge_reports([report(vintage, rows) for vintage, rows in zip(vintages, histories, strict=True)])
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
