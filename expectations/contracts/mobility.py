"""Tables of mobility and policy."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import COUNTRY_CODE, OBSERVED_ON, REGION_ID, VINTAGE, text
from expectations.table_contract import Column, Reference, TableContract

CATEGORIES = ("retail_and_recreation", "grocery_and_pharmacy", "parks", "transit_stations", "workplaces", "residential")
"""Google's six kinds of place, in the order of its files."""

INDICES = ("containment_health_index", "stringency_index", "government_response_index", "economic_support_index")
"""The Oxford tracker's four indices, each 0 (nothing done) to 100 (everything done)."""

CATEGORY = Column("category", pa.string(), "Kind of place", one_of=CATEGORIES)

# A fall below -100 % of the visits is impossible; parks rose to above +1,500 % in real files, 10,000 is our bound for a
# slip.
CHANGE_PCT = Column(
    "change_pct", pa.float64(), "Change of visits (residential: of time spent); NULL = not published",
    "percent of the baseline", is_nullable=True, minimum=-100.0, maximum=10_000.0,
)  # fmt: skip

INDEX_COLUMNS = tuple(
    Column(name, pa.float64(), f"Oxford tracker's {name.replace('_', ' ')}; NULL = not published", "0 to 100",
           is_nullable=True, minimum=0.0, maximum=100.0)
    for name in INDICES
)  # fmt: skip

CENTRED = "Mean of the published days within 6 calendar days before and after"
TRAILING = "Mean of the published days among this and the 6 days before"

OF_REGION = Reference("region_id", "mobility", "region_id")

MOBILITY = TableContract("mobility", "a category of a region on a day", ("region_id", "observed_on", "category"), (
    REGION_ID, OBSERVED_ON, CATEGORY, COUNTRY_CODE, text("country", "Country, English name as Google gives it"),
    text("subregion_1", "First-level part of the country; NULL = whole country", is_nullable=True),
    text("subregion_2", "Second-level part; NULL = whole first level", is_nullable=True),
    text("metro_area", "Metropolitan area; NULL = not one", is_nullable=True),
    text("iso_3166_2_code", "ISO 3166-2 code; NULL = not given", is_nullable=True),
    text("census_fips_code", "US county, FIPS, five digits as text; NULL = not given", is_nullable=True),
    text("place_id", "Google's place id; NULL = not given", is_nullable=True),
    CHANGE_PCT,
    replace(CHANGE_PCT, name="change_pct_centred_13d", meaning=f"{CENTRED}; NULL = this day not published"),
    replace(CHANGE_PCT, name="change_pct_trailing_7d", meaning=f"{TRAILING}; NULL = this day not published"),
    VINTAGE,
))  # fmt: skip

POLICY = TableContract("policy", "a jurisdiction on a day", ("region_id", "observed_on"),
                       (REGION_ID, OBSERVED_ON, COUNTRY_CODE, *INDEX_COLUMNS, VINTAGE))  # fmt: skip

JOINED = "a country on a day, mobility and policy joined"

MOBILITY_POLICY = TableContract("mobility_policy", JOINED, ("country_code", "observed_on"), (
    COUNTRY_CODE, OBSERVED_ON,
    *(replace(CHANGE_PCT, name=category, meaning=f"National change_pct of {category}; NULL = not published")
      for category in CATEGORIES),
    *INDEX_COLUMNS,
))  # fmt: skip
