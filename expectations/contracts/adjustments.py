"""Tables derived from mobility: values with weekday effect and holidays apart, and documented breaks of series."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import COUNTRY_CODE, OBSERVED_ON, REGION_ID, day, nullable, number, text
from expectations.contracts.mobility import CATEGORY, CHANGE_PCT, OF_REGION
from expectations.table_contract import Column, Reference, TableContract

EVENT_KINDS = ("calculation_changed", "values_missing", "coverage_changed", "definition_changed",
               "publication_suspended", "publication_ended", "baseline_drift")  # fmt: skip

OBSERVED, PUBLISHED = "observed", "published"

EVENT_ID = text("event_id", "Name of the break", pattern="[a-z0-9_]+")

KNOWN_EVENTS = TableContract("known_events", "a documented break of a series", ("event_id",), (
    EVENT_ID, Column("kind", pa.string(), "What broke", one_of=EVENT_KINDS),
    Column("table_name", pa.string(), "Table whose series it breaks", one_of=("mobility", "policy")),
    Column("series", pa.list_(pa.string()), "Categories of mobility or indices of policy; NULL = all",
           is_nullable=True),
    replace(COUNTRY_CODE, meaning="Country with all its regions; NULL = every country", is_nullable=True),
    replace(REGION_ID, meaning="Single region; NULL = every region of the country", is_nullable=True),
    Column("days_are", pa.string(), "Whether its days are those that were observed, or those of publication",
           one_of=(OBSERVED, PUBLISHED)),
    day("from_on", "First day"), nullable(day("to_on", "Last day; NULL = it goes on")),
    text("what", "What is known of it"), text("source_url", "Who says so", pattern="https://.+"),
))  # fmt: skip

PERCENT = CHANGE_PCT.unit
UNKNOWN = "NULL = not published, or too little is around it"
MARK = (
    "Documented break whose observed days hold this one, the shortest of several; one of missing values marks only"
    " where there is none; NULL = none"
)

MOBILITY_ADJUSTED = TableContract(
    "mobility_adjusted", "a value of mobility, weekday effect and holidays apart",
    ("region_id", "observed_on", "category"), (
        REGION_ID, OBSERVED_ON, CATEGORY, CHANGE_PCT,
        number("weekday_effect_pct", "Median distance of this weekday from the week around it, in the four weeks before"
               f" and the four after; {UNKNOWN}", PERCENT),
        number("holiday_effect_pct", "On a public holiday, distance from the ordinary days around, the weekday effect"
               f" taken off; 0 on every other day; {UNKNOWN}", PERCENT),
        Column("is_holiday", pa.bool_(), "Whether the day is a public holiday there"),
        text("holiday", "Name of the holiday; NULL = none", is_nullable=True),
        number("adjusted_pct", "change_pct less both effects; days up to 37 later revise it;"
               f" {UNKNOWN}", PERCENT),
        replace(nullable(EVENT_ID), meaning=MARK),
    ), references=(OF_REGION, Reference("event_id", "known_events", "event_id")),
)  # fmt: skip
