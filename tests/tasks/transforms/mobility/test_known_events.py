from datetime import date
from pathlib import Path

import pytest

from expectations.contracts.adjustments import KNOWN_EVENTS
from tasks.transforms.mobility.known_events import KnownEventsError, marks, parse_known_events

ONE = """
- event_id: break_one
  kind: calculation_changed
  table_name: mobility
  series: [parks]
  country_code: SE
  days_are: observed
  from_on: 2020-04-11
  to_on: 2020-04-18
  what: Another way of counting.
  source_url: https://example.org/notes
"""
FILE = Path(__file__).parents[4] / "expectations" / "known_events.yaml"


def test_an_event_becomes_a_row_and_marks_what_it_says():
    events = parse_known_events(ONE, "events.yaml")
    assert events.schema.equals(KNOWN_EVENTS.arrow_schema())
    row = events.to_pylist()[0]
    assert (row["from_on"], row["region_id"]) == (date(2020, 4, 11), None)
    (mark,) = marks(events)
    assert (mark.event_id, mark.categories, mark.country_code, mark.is_of_missing) == (
        "break_one", ("parks",), "SE", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("instead", "of"),
    [
        ("table_name: policy", "table_name: mobility\n  series: [parks]"),
        ("days_are: published", "days_are: observed"),
        ("from_on: 2020-04-11", "from_on: 2020-04-11\n  to_on: 2020-04-18"),
    ],
)
def test_events_of_policy_of_publication_or_without_an_end_mark_nothing(instead, of):
    assert marks(parse_known_events(ONE.replace(of, instead), "events.yaml")) == []


def test_the_shortest_of_several_is_last():
    other = ONE.replace("break_one", "a_day").replace("2020-04-18", "2020-04-11")
    assert [mark.event_id for mark in marks(parse_known_events(other + ONE, "events.yaml"))] == ["break_one", "a_day"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not readable as YAML"),
        ("a: 1", "a list of events"),
        (ONE + ONE, "one event_id"),
        (ONE.replace("series: [parks]", "series: [beaches]"), "are some of retail_and_recreation"),
        (ONE.replace("2020-04-18", "2020-04-01"), "ends before it begins"),
        (ONE.replace("what: Another", "why: Another"), "known are event_id"),
        (ONE.replace("from_on: 2020-04-11", "from_on: soon"), "another type"),
        (ONE.replace("country_code: SE", "country_code: NO"), "another type"),  # YAML reads NO as false
        (ONE.replace("calculation_changed", "mood"), "kind_not_listed"),
        (ONE.replace("https://", "ftp://"), "source_url_malformed"),
        (ONE.replace("  what: Another way of counting.\n", ""), "what_missing"),
    ],
)
def test_an_event_that_is_not_right_is_refused_in_one_sentence(text, says):
    with pytest.raises(KnownEventsError, match=says) as error:
        parse_known_events(text, "events.yaml")
    assert str(error.value).startswith("events.yaml")
    assert "\n" not in str(error.value)


def test_the_events_of_the_package_keep_their_contract_and_both_kinds_of_days_are_there():
    events = parse_known_events(FILE.read_text("utf-8"), FILE.name)
    assert {mark.event_id for mark in marks(events)} == {
        "google_2020_04_calculation", "google_2020_08_calculation", "google_2020_08_values_missing",
    }  # fmt: skip
    assert set(events["days_are"].to_pylist()) == {"observed", "published"}
    assert set(events["table_name"].to_pylist()) == {"mobility", "policy"}
