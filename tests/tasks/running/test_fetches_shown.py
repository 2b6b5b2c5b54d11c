"""What the UI shows of fetches: those that need a look first, and no vintage of the past."""

from datetime import timedelta

import pytest
from support.known_vintages import MONDAY, vintage_row
from support.lake_rows import write_rows

from tasks.lake.steps import StepRecord
from tasks.running.fetches_shown import SHOWN, present_fetches, show_fetches


def record(lake, *rows):
    files = (write_rows(lake, "ops.vintages", rows), write_rows(lake, "ops.quarantine", []))
    return StepRecord("write_vintages", "all", "", "", "", (), files, 0, 0, {}, 0.0)


@pytest.fixture
def records(lake):
    """A place that is well, one that was warned of, one that lives on an old vintage, in two records."""
    refused = {"verdict": "refused", "rule": "values_scaled", "message": "a factor of 16", "is_in_force": False}
    stays = {"is_offered": False, "trouble": "fetch_refused", "trouble_since": MONDAY + timedelta(days=1)}
    return [
        record(
            lake,
            vintage_row("a.csv", "a" * 64),
            vintage_row("b.csv", "b" * 64, verdict="warned", rule="regions_gone"),
            vintage_row("b.csv", "c" * 64, is_in_force=False, is_offered=False),
        ),
        record(lake, vintage_row("c.csv", "d" * 64, **stays), vintage_row("c.csv", "e" * 64, **refused)),
    ]


def test_first_come_those_that_live_on_an_old_vintage_then_those_that_the_gate_spoke_of(lake, records):
    shown = present_fetches(lake, records)
    assert [(row["uri"], row["verdict"], row["in force"]) for row in shown] == [
        ("c.csv", "accepted", "yes"),
        ("b.csv", "warned", "yes"),
        ("c.csv", "refused", "no"),
        ("a.csv", "accepted", "yes"),
    ]


def test_every_cell_is_a_text_or_empty(lake, records):
    first, *_ = present_fetches(lake, records)
    assert list(first) == [*SHOWN, "in force"]
    assert (first["trouble"], first["rule"]) == ("fetch_refused", None)
    assert first["trouble_since"].startswith("2026-03-03 08:00:00")


def test_without_records_there_is_nothing_and_outside_a_run_nothing_is_shown(lake, records):
    assert present_fetches(lake, []) == []
    assert show_fetches(lake=lake, write_vintages=records) is None
