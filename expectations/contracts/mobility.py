"""Tables of mobility and policy."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import (
    COUNTRY_CODE,
    OBSERVED_ON,
    REGION_ID,
    SOURCE,
    VINTAGE,
    count,
    day,
    nullable,
    share,
    text,
)
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

COUNTRY = text("country", "Country, English name as Google gives it")

PARTS_OF_COUNTRY = (
    text("subregion_1", "First-level part of the country; NULL = whole country", is_nullable=True),
    text("subregion_2", "Second-level part; NULL = whole first level", is_nullable=True),
    text("metro_area", "Metropolitan area; NULL = not one", is_nullable=True),
)

REGION_CODES = (
    text("iso_3166_2_code", "ISO 3166-2 code; NULL = not given", is_nullable=True),
    text("census_fips_code", "US county, FIPS, five digits as text; NULL = not given", is_nullable=True),
    text("place_id", "Google's place id; NULL = not given", is_nullable=True),
)

# policy has rows of states and cities too: joined on the country, each row of mobility comes out once for each of them.
JOIN_NOTE = "; join policy on its region_id, or use mobility_with_policy(country): on country_code rows multiply"

MOBILITY = TableContract("mobility", "a category of a region on a day", ("region_id", "observed_on", "category"), (
    REGION_ID, OBSERVED_ON, CATEGORY, replace(COUNTRY_CODE, meaning=COUNTRY_CODE.meaning + JOIN_NOTE), COUNTRY,
    *PARTS_OF_COUNTRY, *REGION_CODES,
    CHANGE_PCT,
    replace(CHANGE_PCT, name="change_pct_centred_13d", meaning=f"{CENTRED}; NULL = this day not published"),
    replace(CHANGE_PCT, name="change_pct_trailing_7d", meaning=f"{TRAILING}; NULL = this day not published"),
    VINTAGE,
))  # fmt: skip

INDEX_VINTAGES = {index: f"{index.removesuffix('_index')}_vintage" for index in INDICES}
"""Each index's column of `policy` that says from which fetch its value is."""

POLICY = TableContract("policy", "a jurisdiction on a day", ("region_id", "observed_on"), (
    REGION_ID, OBSERVED_ON,
    replace(COUNTRY_CODE, meaning=f"{COUNTRY_CODE.meaning}; where it equals region_id the row is the whole country's"),
    *INDEX_COLUMNS, replace(VINTAGE, meaning=f"Latest of the fetches that its indices come from: {VINTAGE.meaning}"),
    *(replace(nullable(VINTAGE), name=name, meaning=f"Fetch that tells {index}, published or not; NULL = none does")
      for index, name in INDEX_VINTAGES.items()),
))  # fmt: skip

JOINED = "a country on a day, mobility and policy joined"

MOBILITY_POLICY = TableContract("mobility_policy", JOINED, ("country_code", "observed_on"), (
    COUNTRY_CODE, OBSERVED_ON,
    *(replace(CHANGE_PCT, name=category, meaning=f"National change_pct of {category}; NULL = not published")
      for category in CATEGORIES),
    *INDEX_COLUMNS,
))  # fmt: skip

VINTAGE_ORDER = (
    replace(day("vintage_on", "Day from which the fetch counts as known: the last day inside, or that of the fetch"),
            unit="date, as the source's `order` says"),
    day("fetched_on", "Day on which these bytes were first fetched"),
    SOURCE,
    text("uri", "File that tells it, then # and member; as in documents.uri"),
    count("nth_fetch", "Which of the fetches of this path it is, the first one 1", "fetches", minimum=1),
)  # fmt: skip
"""Of two fetches the later is that with the later vintage_on, then fetched_on, uri, source, nth_fetch."""

MOBILITY_REVISIONS = TableContract(
    "mobility_revisions", "a category of a region on a day, as one fetch gave it; mobility_as_of(day) chooses",
    ("region_id", "observed_on", "category", "vintage"),
    (REGION_ID, OBSERVED_ON, CATEGORY, VINTAGE, COUNTRY_CODE,
     replace(CHANGE_PCT, meaning="Change of visits, uncorrected; NULL = this fetch did not publish it"),
     *VINTAGE_ORDER),
)  # fmt: skip

POLICY_REVISIONS = TableContract(
    "policy_revisions", "an index of a jurisdiction on a day, as one fetch gave it; policy_as_of(day) chooses",
    ("region_id", "observed_on", "policy_index", "vintage"),
    (REGION_ID, OBSERVED_ON, Column("policy_index", pa.string(), "Index", one_of=INDICES), VINTAGE, COUNTRY_CODE,
     Column("value", pa.float64(), "Its value, uncorrected; NULL = this fetch did not publish it", "0 to 100",
            is_nullable=True, minimum=0.0, maximum=100.0),
     *VINTAGE_ORDER),
)  # fmt: skip

LEVELS = ("country", "subregion_1", "subregion_2", "metro")

NO_MOBILITY, NO_POLICY = "NULL = not in mobility", "NULL = not in policy"

REGIONS = TableContract("regions", "a region of mobility, or a jurisdiction of policy", ("region_id",), (
    REGION_ID, Column("level", pa.string(), "What it is a part of its country as", one_of=LEVELS), COUNTRY_CODE,
    replace(nullable(COUNTRY), meaning=f"{COUNTRY.meaning}; NULL = the country is not in mobility"),
    *PARTS_OF_COUNTRY, *REGION_CODES,
    nullable(day("first_on", f"First day in mobility; {NO_MOBILITY}")),
    nullable(day("last_on", f"Last day in mobility; {NO_MOBILITY}")),
    count("n_days", "Days in mobility", "days"), count("n_policy_days", "Days in policy", "days"),
))  # fmt: skip

COUNTRIES = TableContract("countries", "a country of mobility or of policy", ("country_code",), (
    COUNTRY_CODE, replace(nullable(COUNTRY), meaning=f"{COUNTRY.meaning}; {NO_MOBILITY}"),
    count("n_regions", "Regions in mobility, the whole country among them", "regions"),
    count("n_jurisdictions", "Jurisdictions in policy, the whole country among them", "jurisdictions"),
    Column("has_mobility", pa.bool_(), "Whether mobility has any of its regions"),
    Column("has_policy", pa.bool_(), "Whether policy has the whole country"),
    nullable(day("first_on", f"First day in mobility; {NO_MOBILITY}")),
    nullable(day("last_on", f"Last day in mobility; {NO_MOBILITY}")),
    nullable(day("policy_first_on", f"First day of the whole country in policy; {NO_POLICY}")),
    nullable(day("policy_last_on", f"Last day of the whole country in policy; {NO_POLICY}")),
))  # fmt: skip

COVERAGE = TableContract("coverage", "a country on a day", ("country_code", "observed_on"), (
    COUNTRY_CODE, OBSERVED_ON,
    count("n_regions", "Regions of the country in mobility on this day, published or not", "regions"),
    count("n_national", "Categories published for the whole country", "categories"),
    *(share(f"{category}_share", f"Regions that publish {category}, of all of the country; NULL = outside of its days",
            is_nullable=True) for category in CATEGORIES),
    count("n_indices", "Policy indices published for the whole country", "indices"),
    count("n_jurisdictions", "Jurisdictions in policy on this day that publish an index", "jurisdictions"),
))  # fmt: skip
