from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from expectations.contracts.adjustments import MOBILITY_ADJUSTED
from expectations.contracts.mobility import MOBILITY
from expectations.table_contract import split_rows
from tasks.transforms.mobility import adjustment_rows
from tasks.transforms.mobility.adjustment import take_apart
from tasks.transforms.mobility.adjustment_rows import READ, adjusted_batches
from tasks.transforms.mobility.known_events import Mark

FIRST = date(2020, 3, 2)
ASCENSION, CORPUS_CHRISTI = date(2020, 5, 21), date(2020, 6, 11)


def rows(region_id, n_days=120, category="workplaces", **described):
    rng = np.random.default_rng(len(region_id))
    return [
        {
            "region_id": region_id, "country_code": region_id[:2], "observed_on": FIRST + timedelta(days=n),
            "category": category, "change_pct": float(rng.integers(-60, 20)), **described,
        }
        for n in range(n_days)
    ]  # fmt: skip


def adjusted(given, events=()):
    table = pa.Table.from_pylist(given, schema=pa.schema([MOBILITY.arrow_schema().field(name) for name in READ]))
    batches = list(adjusted_batches(table, events))
    return pa.Table.from_batches(batches).cast(MOBILITY_ADJUSTED.arrow_schema()) if batches else None


GERMANY = [
    *rows("DE"),
    *rows("DE/Bavaria", subregion_1="Bavaria", iso_3166_2_code="DE-BY"),
    *rows("DE/Bavaria/Munich", subregion_1="Bavaria", subregion_2="Munich"),
    *rows("DE/Bavaria/Ulm", subregion_1="Bavaria", subregion_2="Ulm", iso_3166_2_code="DE-BE"),
    *rows("DE/Berlin", subregion_1="Berlin"),
]


def test_every_row_is_there_in_its_place_and_keeps_the_contract():
    table = adjusted(GERMANY)
    for name in ("region_id", "observed_on", "category", "change_pct"):
        assert table[name].to_pylist() == [row[name] for row in GERMANY]
    kept, broken, _ = split_rows(MOBILITY_ADJUSTED, table)
    assert (kept.num_rows, broken.num_rows) == (len(GERMANY), 0)


def test_a_region_has_the_holidays_of_its_own_code_or_else_of_its_first_level_part():
    on = {row["region_id"]: row for row in adjusted(GERMANY).to_pylist() if row["observed_on"] == CORPUS_CHRISTI}
    assert {region: row["holiday"] for region, row in on.items()} == {
        "DE": None, "DE/Bavaria": "Corpus Christi", "DE/Bavaria/Munich": "Corpus Christi", "DE/Bavaria/Ulm": None,
        "DE/Berlin": None,
    }  # fmt: skip
    assert {region for region, row in on.items() if row["holiday_effect_pct"]} == {"DE/Bavaria", "DE/Bavaria/Munich"}
    assert all(row["is_holiday"] for row in adjusted(GERMANY).to_pylist() if row["observed_on"] == ASCENSION)


def test_each_series_is_taken_apart_by_itself_gaps_as_gaps():
    given = [row for row in GERMANY if row["observed_on"].day != 9]
    given[30]["change_pct"] = None
    found = adjusted(given).to_pylist()
    for region in ("DE", "DE/Berlin"):
        here = [row for row in found if row["region_id"] == region]
        grid, is_holiday = np.full((1, 120, 1), np.nan), np.zeros((1, 120), np.bool_)
        for row in here:
            day = (row["observed_on"] - FIRST).days
            grid[0, day, 0] = np.nan if row["change_pct"] is None else row["change_pct"]
            is_holiday[0, day] = row["is_holiday"]
        expected = take_apart(grid, is_holiday).adjusted[0, :, 0]
        for row in here:
            value = expected[(row["observed_on"] - FIRST).days]
            assert row["adjusted_pct"] == (None if np.isnan(value) else value)
    assert found[30]["adjusted_pct"] is None


def test_regions_are_taken_apart_alike_whatever_is_laid_out_together(monkeypatch):
    whole = adjusted(GERMANY)
    monkeypatch.setattr(adjustment_rows, "ROWS_AT_ONCE", 130)
    table = pa.Table.from_pylist(GERMANY, schema=pa.schema([MOBILITY.arrow_schema().field(name) for name in READ]))
    assert [batch.num_rows for batch in adjusted_batches(table, ())] == [120] * 5
    assert adjusted(GERMANY).equals(whole)


def mark(event_id, first, last, **where):
    given = {"categories": ("workplaces",), "country_code": None, "region_id": None, "is_of_missing": False} | where
    return Mark(event_id, first, last, **given)


def test_events_mark_their_days_regions_and_categories_and_the_last_of_the_list_wins():
    given = [*rows("DE", 40), *rows("IT", 40), *rows("SE", 40, category="parks")]
    given[3]["change_pct"] = None
    events = [
        mark("long", date(2019, 1, 1), FIRST + timedelta(days=5)),
        mark("gap", FIRST, FIRST + timedelta(days=9), is_of_missing=True),
        mark("short", FIRST, FIRST, country_code="IT"),
        mark("elsewhere", FIRST, FIRST, region_id="IT/Lazio"),
        mark("later", date(2030, 1, 1), date(2030, 1, 2)),
    ]
    found = {(row["region_id"], (row["observed_on"] - FIRST).days): row["event_id"] for row in
             adjusted(given, events).to_pylist()}  # fmt: skip
    assert [found["DE", day] for day in range(7)] == ["long", "long", "long", "gap", "long", "long", None]
    assert [found["IT", day] for day in range(7)] == ["short", *["long"] * 5, None]
    assert {found["SE", day] for day in range(40)} == {None}


def test_no_rows_and_rows_out_of_order():
    assert adjusted([]) is None
    with pytest.raises(ValueError, match="sorted by region"):
        adjusted([*rows("DE", 2), *rows("IT", 2), *rows("DE", 1)])
