"""Corrections and rows set aside act before anything is derived."""

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_means import slow_means
from support.mobility_reports import FIRST, HISTORIES, PLACES, report

from expectations.contracts.mobility import CATEGORIES, MOBILITY, POLICY
from tasks.transforms.mobility.coverage import countries_table, coverage_days, coverage_table, regions_table, spans
from tasks.transforms.mobility.mending import corrected, without
from tasks.transforms.mobility.policy_vintages import join_mobility_policy
from tasks.transforms.mobility.vintages import long_rows, merge_reports, national_days
from tasks.transforms.records.corrections import parse_correction

KEYS = st.sets(st.tuples(st.sampled_from(list(PLACES)), st.integers(0, 30), st.sampled_from(CATEGORIES)), max_size=25)
POLICY_ROWS = pa.Table.from_pylist(
    [
        {"region_id": region, "observed_on": FIRST + timedelta(days=day), "country_code": region[:2],
         "stringency_index": 5.0, "vintage": "c" * 12, "stringency_vintage": "c" * 12}
        for region in ("DE", "DE/Bavaria", "SE") for day in (0, 1, 40)
    ],
    schema=POLICY.arrow_schema(),
)  # fmt: skip


def _merged(histories):
    return merge_reports([report(f"{number:012}", rows) for number, rows in enumerate(histories)])


def _keys(rows):
    columns = list(zip(*((name, FIRST + timedelta(days=day), category) for name, day, category in rows), strict=True))
    names = ("region_id", "observed_on", "category")
    types = [MOBILITY.column(name).type for name in names]
    return pa.table([pa.array(one, kind) for one, kind in zip(columns or [[]] * 3, types, strict=True)], names=names)


def _long(merged):
    schema = MOBILITY.arrow_schema()
    tables = [pa.Table.from_batches([batch]).cast(schema) for batch in long_rows(merged)]
    rows = pa.concat_tables([MOBILITY.empty(), *tables])
    assert rows.num_rows == merged.n_rows
    return rows.to_pylist()


def _derived(merged):
    """Every table that is made of merged mobility, and of a policy."""
    regions = regions_table(spans(merged), POLICY_ROWS)
    countries = countries_table(regions, POLICY_ROWS)
    return {
        "mobility": [{**row, "vintage": ""} for row in _long(merged)],
        "mobility_policy": join_mobility_policy(national_days(merged), POLICY_ROWS).to_pylist(),
        "regions": regions.to_pylist(),
        "countries": countries.to_pylist(),
        "coverage": coverage_table(coverage_days(merged), countries, POLICY_ROWS).to_pylist(),
    }


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.sets(st.tuples(st.sampled_from(list(PLACES)), st.integers(0, 30)), max_size=12))
def test_every_derived_table_is_that_of_an_input_without_the_rows_set_aside(histories, region_days):
    refused = _keys([(name, day, category) for name, day in region_days for category in CATEGORIES])
    rest = [{key: values for key, values in rows.items() if key not in region_days} for rows in histories]
    assert _derived(without(_merged(histories), refused)) == _derived(_merged(rest))


@settings(max_examples=60, deadline=None)
@given(HISTORIES, KEYS)
def test_single_values_set_aside_are_in_no_mean_no_national_day_and_no_count(histories, refused):
    latest = {key: values for rows in histories for key, values in rows.items()}
    rows = {
        (name, day, category): values[place]
        for (name, day), values in latest.items()
        for place, category in enumerate(CATEGORIES)
        if (name, day, category) not in refused
    }
    found = without(_merged(histories), _keys(refused))
    expected = {}
    for (name, day, category), value in rows.items():
        series = {one[1]: told for one, told in rows.items() if (one[0], one[2]) == (name, category)}
        means = slow_means({FIRST + timedelta(days=one): told for one, told in series.items()}, before=6, after=6)
        expected[name, FIRST + timedelta(days=day), category] = (value, means[FIRST + timedelta(days=day)])
    told = {
        (row["region_id"], row["observed_on"], row["category"]): (row["change_pct"], row["change_pct_centred_13d"])
        for row in _long(found)
    }
    assert told == {
        key: tuple(value if value is None else pytest.approx(value, rel=0, abs=1e-9) for value in values)
        for key, values in expected.items()
    }
    national = {
        (row["country_code"], row["observed_on"], category): row[category]
        for row in national_days(found).to_pylist()
        for category in CATEGORIES
        if row[category] is not None
    }
    assert national == {
        (name, FIRST + timedelta(days=day), category): value
        for (name, day, category), value in rows.items()
        if "/" not in name and value is not None
    }
    days_of = {name: {day for one, day, _ in rows if one == name} for name in PLACES}
    assert {row["region_id"]: row["n_days"] for row in spans(found).to_pylist()} == {
        name: len(days) for name, days in days_of.items() if days
    }
    n_published = {
        (row["country_code"], row["observed_on"]): sum(row[category] for category in CATEGORIES)
        for row in coverage_days(found).to_pylist()
    }
    for (country, day), n_values in n_published.items():
        here = [v for (name, on, _), v in rows.items() if name[:2] == country and FIRST + timedelta(days=on) == day]
        assert n_values == sum(value is not None for value in here)


def test_keys_of_nowhere_set_nothing_aside_and_rows_are_set_aside_once():
    merged = _merged([{("DE", 0): [1, 2, 3, 4, 5, 6], ("DE", 1): [1] * 6}])
    assert without(merged, _keys([("SE", 0, "parks"), ("DE", 9, "parks")])).n_rows == 12
    once = without(merged, _keys([("DE", 0, "parks")]))
    assert (once.n_rows, without(once, _keys([("DE", 0, "parks")])).n_rows) == (11, 11)
    assert without(once, _keys([("DE", 0, one) for one in CATEGORIES])).n_rows == 6
    twice = without(once, _keys([("DE", 1, "workplaces")]))
    assert [row["category"] for row in _long(twice)].count("parks") == 1
    assert (twice.n_rows, merged.n_rows) == (10, 12)


TEXT = """
name: parks
table: mobility
where: {region_id: DE, category: parks, observed_on: 2020-02-16}
was: {change_pct: 800.0}
becomes: {change_pct: 8.0}
reason: decimal point lost
authority: the publisher
n_rows: 1
"""


def test_a_corrected_value_is_in_the_means_and_nothing_else_has_changed():
    merged = _merged([{("DE", day): [4.0, 4.0, 800.0 if day == 1 else 4.0, 4.0, 4.0, 4.0] for day in range(3)}])
    after, done = corrected(merged, parse_correction(TEXT, "parks.yaml"))
    parks = {row["observed_on"].day: row for row in _long(after) if row["category"] == "parks"}
    assert (done.n_found, done.n_so, done.is_fitting) == (1, 1, True)
    assert parks[16]["change_pct"] == 8.0
    assert parks[15]["change_pct_centred_13d"] == pytest.approx(16 / 3, abs=1e-12)
    assert all(row["change_pct"] == 4.0 for row in _long(after) if row["category"] != "parks")
    assert 800.0 in merged.values


def test_a_correction_that_no_longer_fits_changes_nothing():
    merged = _merged([{("DE", 1): [4.0, 4.0, 8.0, 4.0, 4.0, 4.0]}])
    after, done = corrected(merged, parse_correction(TEXT, "parks.yaml"))
    assert (_long(after), done.n_found, done.n_so, done.is_fitting) == (_long(merged), 1, 0, False)


def test_a_correction_finds_only_its_vintage_where_it_names_one():
    text = TEXT.replace("category: parks,", "category: parks, vintage: '000000000001',")
    merged = _merged([{("DE", 1): [0.0, 0.0, 800.0, 0.0, 0.0, 0.0]}])
    _, done = corrected(merged, parse_correction(text, "parks.yaml"))
    assert (done.n_found, done.is_fitting) == (0, True)
