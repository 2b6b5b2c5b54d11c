import math
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import slow_policy as oracle

from expectations.contracts.mobility import INDEX_VINTAGES, INDICES, POLICY
from tasks.transforms.mobility.policy_vintages import PolicyFile, join_mobility_policy, merge_policy, n_values_of
from tasks.transforms.mobility.vintages import NATIONAL_SCHEMA

FIRST = date(2020, 1, 1)


def _file(vintage, rows, indices):
    keys = list(rows)
    columns = {
        "region_id": pa.array([region for region, _ in keys], pa.string()),
        "country_code": pa.array([region[:2] for region, _ in keys], pa.string()),
        "observed_on": pa.array([FIRST + timedelta(days=day) for _, day in keys], pa.date32()),
    }
    return PolicyFile(
        vintage,
        pa.table(columns | {name: pa.array([rows[key][name] for key in keys], pa.float64()) for name in indices}),
    )


def test_indices_of_several_files_stand_side_by_side():
    files = [
        _file(vintage * 12, {("SE", 0): {index: float(place)}}, [index])
        for place, (vintage, index) in enumerate(zip("abcd", INDICES, strict=True))
    ]
    (row,) = merge_policy(files).rows.to_pylist()
    assert ([row[index] for index in INDICES], row["vintage"]) == ([0, 1, 2, 3], "d" * 12)


def test_later_file_replaces_its_own_index_only():
    old, new = {("SE", 0): {"stringency_index": 5.0}}, {("SE", 0): {"stringency_index": 8.0}}
    merged = merge_policy([_file("a" * 12, old, INDICES[1:2]), _file("b" * 12, new, INDICES[1:2])])
    assert merged.rows["stringency_index"].to_pylist() == [8.0]
    (one,) = merged.superseded
    assert (merged.n_values, one.file, one.n_values, one.n_revised, one.mean_revision) == (1, 0, 1, 1, 3.0)


def test_value_withdrawn_by_a_later_file_is_not_published():
    files = [
        _file(vintage * 12, {("SE", 0): {"stringency_index": value}}, INDICES[1:2])
        for vintage, value in (("a", 5.0), ("b", None))
    ]
    merged = merge_policy(files)
    assert merged.rows["stringency_index"].to_pylist() == [None]
    assert (merged.superseded[0].n_revised, math.isnan(merged.superseded[0].mean_revision)) == (1, True)


def test_no_files_and_no_rows():
    assert merge_policy([]).rows.schema == POLICY.arrow_schema()
    assert merge_policy([_file("a" * 12, {}, INDICES)]).rows.num_rows == 0


def test_jurisdiction_twice_in_a_file_is_a_defect_of_its_reader():
    file = _file("a" * 12, {("SE", 0): dict.fromkeys(INDICES, 1.0)}, INDICES)
    with pytest.raises(ValueError, match="twice"):
        merge_policy([PolicyFile(file.vintage, pa.concat_tables([file.rows, file.rows]))])


VALUES = st.none() | st.floats(0, 100)
KEYS = st.tuples(st.sampled_from(["SE", "US", "US/California"]), st.integers(0, 3))


@st.composite
def _histories(draw):
    files = []
    for number in range(draw(st.integers(1, 4))):
        indices = draw(st.lists(st.sampled_from(INDICES), min_size=1, unique=True))
        rows = draw(st.dictionaries(KEYS, st.fixed_dictionaries(dict.fromkeys(indices, VALUES)), max_size=5))
        files.append((f"{number:012}", rows, indices))
    return files


@settings(max_examples=60, deadline=None)
@given(_histories())
def test_equal_to_the_dictionary_oracle(files):
    merged = merge_policy([_file(*file) for file in files])
    expected, n_replaced = oracle.slow_policy([(vintage, rows) for vintage, rows, _ in files])
    found = merged.rows.to_pylist()
    assert {
        (row["region_id"], (row["observed_on"] - FIRST).days): (
            tuple(row[index] for index in INDICES),
            row["vintage"],
            tuple(row[INDEX_VINTAGES[index]] for index in INDICES),
        )
        for row in found
    } == expected
    assert [(row["region_id"], row["observed_on"]) for row in found] == sorted(
        (row["region_id"], row["observed_on"]) for row in found
    )
    assert sum(one.n_values for one in merged.superseded) == n_replaced
    assert n_values_of(merged.rows) == merged.n_values
    assert sum(len(rows) * len(indices) for _, rows, indices in files) == merged.n_values + n_replaced


def _national(rows):
    columns = (
        [
            [country for country, _ in rows],
            [FIRST + timedelta(days=day) for _, day in rows],
            *zip(*rows.values(), strict=True),
        ]
        if rows
        else [[]] * 8
    )
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, NATIONAL_SCHEMA, strict=True)],
        schema=NATIONAL_SCHEMA,
    )


COUNTRY_DAYS = st.tuples(st.sampled_from(["SE", "NA"]), st.integers(0, 4))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(COUNTRY_DAYS, st.tuples(*[st.none() | st.integers(-100, 9).map(float)] * 6)),
    st.dictionaries(COUNTRY_DAYS, st.tuples(*[VALUES] * 4)),
)
def test_join_equals_the_loop(mobility, policy):
    rows = {key: dict(zip(INDICES, values, strict=True)) for key, values in policy.items()}
    state = {("SE/Skåne", 0): dict.fromkeys(INDICES, 9.0)}
    joined = join_mobility_policy(
        _national(mobility), merge_policy([_file("a" * 12, rows | state, INDICES)]).rows
    ).to_pylist()
    found = {(row["country_code"], (row["observed_on"] - FIRST).days): tuple(row.values())[2:] for row in joined}
    assert found == oracle.slow_join(mobility, policy)
    assert [(row["country_code"], row["observed_on"]) for row in joined] == sorted(
        (row["country_code"], row["observed_on"]) for row in joined
    )


def test_join_refuses_a_day_that_stands_twice():
    national = _national({("SE", 0): (1.0,) * 6})
    with pytest.raises(ValueError, match="twice in mobility"):
        join_mobility_policy(pa.concat_tables([national, national]), POLICY.empty())
