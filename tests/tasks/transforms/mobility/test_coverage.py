from datetime import timedelta

import pyarrow as pa
from support.mobility_reports import FIRST, report

from expectations.contracts.mobility import COUNTRIES, COVERAGE, POLICY, REGIONS
from expectations.table_contract import split_rows
from tasks.transforms.mobility.coverage import countries_table, coverage_days, coverage_table, regions_table, spans
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.vintages import merge_reports

PUBLISHED, NOTHING = [1.0] * 6, [None] * 6


def _policy(*rows):
    return pa.Table.from_pylist(
        [
            {"region_id": region, "observed_on": FIRST + timedelta(days=day), "country_code": region[:2],
             "vintage": "c" * 12, "stringency_index": value}
            for region, day, value in rows
        ],
        schema=POLICY.arrow_schema(),
    )  # fmt: skip


MERGED = merge_reports(
    [
        report(
            "a" * 12,
            {("DE", 0): PUBLISHED, ("DE", 2): [1.0, *[None] * 5], ("DE/Bavaria", 2): PUBLISHED, ("NA", 0): NOTHING},
        )
    ]
)
RULES = _policy(("DE", 0, 5.0), ("DE/Berlin", 0, 6.0), ("DE", 1, None), ("DE", 3, 2.0), ("SE", 0, 1.0))
TABLE = regions_table(spans(MERGED), RULES)


def test_every_region_of_mobility_or_policy_stands_once_with_its_level_and_days():
    rows = {row["region_id"]: row for row in TABLE.to_pylist()}
    told = ("level", "country", "subregion_1", "n_days", "n_policy_days")
    assert {region: tuple(row[name] for name in told) for region, row in rows.items()} == {
        "DE": ("country", "Germany", None, 2, 3),
        "DE/Bavaria": ("subregion_1", "Germany", "Bavaria", 1, 0),
        "DE/Berlin": ("subregion_1", "Germany", "Berlin", 0, 1),
        "NA": ("country", "Namibia", None, 1, 0),
        "SE": ("country", None, None, 0, 1),
    }
    assert (rows["DE"]["first_on"], rows["DE"]["last_on"]) == (FIRST, FIRST + timedelta(days=2))
    assert rows["SE"]["first_on"] is None


def test_levels_follow_from_the_names():
    places = {
        "US/Ohio/Adams": Region("US", "United States", "Ohio", "Adams"),
        "GH///Accra": Region("GH", "Ghana", metro_area="Accra"),
    }
    merged = merge_reports([report("a" * 12, {(name, 0): PUBLISHED for name in places}, places)])
    levels = regions_table(spans(merged), _policy(("US/Ohio/Columbus%2FOhio", 0, 1.0))).to_pylist()
    assert {row["region_id"]: (row["level"], row["subregion_2"]) for row in levels} == {
        "GH///Accra": ("metro", None),
        "US/Ohio/Adams": ("subregion_2", "Adams"),
        "US/Ohio/Columbus%2FOhio": ("subregion_2", "Columbus/Ohio"),
    }


def test_countries_say_what_they_have_and_since_when():
    rows = {row["country_code"]: row for row in countries_table(TABLE, RULES).to_pylist()}
    told = ("country", "n_regions", "n_jurisdictions", "has_mobility", "has_policy")
    assert {code: tuple(row[name] for name in told) for code, row in rows.items()} == {
        "DE": ("Germany", 2, 2, True, True),
        "NA": ("Namibia", 1, 0, True, False),
        "SE": (None, 0, 1, False, True),
    }
    assert (rows["DE"]["last_on"], rows["DE"]["policy_last_on"]) == (
        FIRST + timedelta(days=2),
        FIRST + timedelta(days=3),
    )
    assert (rows["NA"]["policy_first_on"], rows["SE"]["first_on"]) == (None, None)


def test_coverage_counts_what_is_published_on_each_day_of_each_country():
    countries = countries_table(TABLE, RULES)
    rows = coverage_table(coverage_days(MERGED), countries, RULES).to_pylist()
    told = {(row["country_code"], (row["observed_on"] - FIRST).days): row for row in rows}
    names = ("n_regions", "n_national", "retail_and_recreation_share", "parks_share", "n_indices", "n_jurisdictions")
    assert {key: tuple(row[name] for name in names) for key, row in told.items()} == {
        ("DE", 0): (1, 6, 0.5, 0.5, 1, 2),
        ("DE", 1): (0, 0, 0.0, 0.0, 0, 0),
        ("DE", 2): (2, 1, 1.0, 0.5, 0, 0),
        ("DE", 3): (0, 0, None, None, 1, 1),
        ("NA", 0): (1, 0, 0.0, 0.0, 0, 0),
        ("SE", 0): (0, 0, None, None, 1, 1),
    }


def test_nothing_at_all_gives_empty_tables_of_the_contract():
    merged, policy = merge_reports([]), POLICY.empty()
    regions = regions_table(spans(merged), policy)
    countries = countries_table(regions, policy)
    coverage = coverage_table(coverage_days(merged), countries, policy)
    assert [one.num_rows for one in (regions, countries, coverage)] == [0, 0, 0]


def test_tables_keep_their_contracts():
    countries = countries_table(TABLE, RULES)
    coverage = coverage_table(coverage_days(MERGED), countries, RULES)
    for contract, rows in ((REGIONS, TABLE), (COUNTRIES, countries), (COVERAGE, coverage)):
        kept, broken, rules = split_rows(contract, rows)
        assert (kept.num_rows, broken.num_rows, rules) == (rows.num_rows, 0, [])
