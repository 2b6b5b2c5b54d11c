"""What there is: the tables `regions`, `countries` and `coverage`, out of merged mobility and of `policy`.

Of each part of mobility two small tables are made (SPANS, COVERAGE_DAYS); all of them, with the policy, give the three.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.mobility import CATEGORIES, COUNTRIES, COVERAGE, INDICES, LEVELS, REGIONS
from tasks.transforms.mobility.regions import Region, names_in
from tasks.transforms.mobility.vintages import MergedReports

SPANS = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("region_id", *Region._fields)),
        *(pa.field(name, pa.date32()) for name in ("first_on", "last_on")),
        pa.field("n_days", pa.int64()),
    ]
)
"""A region of mobility and its days."""
COVERAGE_DAYS = pa.schema(
    [
        pa.field("country_code", pa.string()),
        pa.field("observed_on", pa.date32()),
        *(pa.field(name, pa.int64()) for name in ("n_regions", "n_national", *CATEGORIES)),
    ]
)
"""A country on a day: its regions there, what is published of the whole country, and by category how many regions
publish it.
"""


def spans(merged: MergedReports) -> pa.Table:
    """The regions that have a row, in SPANS, by region_id."""
    places, first, n_days = np.unique(merged.series, return_index=True, return_counts=True)
    days = [merged.days[first], merged.days[first + n_days - 1] if len(first) else merged.days[first]]
    columns = [pa.array([merged.region_ids[place] for place in places], pa.string())]
    columns += [
        pa.array([merged.regions[one][field] for one in places], pa.string()) for field in range(len(Region._fields))
    ]
    columns += [pa.array(day.astype(np.int32), pa.int32()).cast(pa.date32()) for day in days]
    return pa.Table.from_arrays([*columns, pa.array(n_days.astype(np.int64))], schema=SPANS)


def coverage_days(merged: MergedReports) -> pa.Table:
    """Each country's days, in COVERAGE_DAYS, by country and day."""
    codes = np.unique(np.array([region.country_code for region in merged.regions], np.str_))
    country_of = np.searchsorted(codes, np.array([region.country_code for region in merged.regions], np.str_))
    is_national = np.array([region.names[1:] == (None, None, None) for region in merged.regions], np.bool_)
    keys, place = np.unique((country_of[merged.series] << 32) | merged.days, return_inverse=True)
    is_published = ~np.isnan(merged.values)
    counts = [np.bincount(place, minlength=len(keys))]
    counts.append(
        np.bincount(place, weights=is_published.sum(axis=1) * is_national[merged.series], minlength=len(keys))
    )
    counts += [np.bincount(place, weights=column, minlength=len(keys)) for column in is_published.T]
    columns = [
        pa.array(codes[keys >> 32], pa.string()),
        pa.array((keys & 0xFFFFFFFF).astype(np.int32), pa.int32()).cast(pa.date32()),
        *(pa.array(count.astype(np.int64)) for count in counts),
    ]
    return pa.Table.from_arrays(columns, schema=COVERAGE_DAYS)


def regions_table(mobility: pa.Table, policy: pa.Table) -> pa.Table:
    """The table `regions`: a row for each region of `mobility` (SPANS) or of `policy`; one where both have it."""
    days = policy.group_by(["region_id", "country_code"]).aggregate([("observed_on", "count")])
    days = days.rename_columns(["region_id", "policy_country", "n_policy_days"])
    names = mobility.select(["country_code", "country"]).group_by("country_code").aggregate([("country", "min")])
    country_of = dict(zip(names["country_code"].to_pylist(), names["country_min"].to_pylist(), strict=True))
    rows = []
    for row in mobility.join(days, "region_id", join_type="full outer").to_pylist():
        if row["country_code"] is None:
            first, second, metro = names_in(row["region_id"])
            code = row["policy_country"]
            row |= {"country_code": code, "country": country_of.get(code), "n_days": 0}
            row |= {"subregion_1": first, "subregion_2": second, "metro_area": metro}
        row["n_policy_days"] = row["n_policy_days"] or 0
        row["level"] = _level(row["subregion_1"], row["subregion_2"], row["metro_area"])
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=REGIONS.arrow_schema()).sort_by("region_id")


def _level(first: str | None, second: str | None, metro: str | None) -> str:
    country, of_first, of_second, of_metro = LEVELS
    return of_metro if metro else of_second if second else of_first if first else country


def countries_table(regions: pa.Table, policy: pa.Table) -> pa.Table:
    """The table `countries`, out of `regions` and of `policy`."""
    has_mobility = pc.greater(regions["n_days"], 0)
    has_policy = pc.greater(regions["n_policy_days"], 0)
    marked = regions.select(["country_code", "country", "first_on", "last_on"])
    marked = marked.append_column("n_regions", has_mobility.cast(pa.int64()))
    marked = marked.append_column("n_jurisdictions", has_policy.cast(pa.int64()))
    aggregates = [("country", "min"), ("n_regions", "sum"), ("n_jurisdictions", "sum")]
    found = marked.group_by("country_code").aggregate([*aggregates, ("first_on", "min"), ("last_on", "max")])
    whole = _national(policy).group_by("country_code").aggregate([("observed_on", "min"), ("observed_on", "max")])
    days = {row["country_code"]: row for row in whole.to_pylist()}
    rows = [
        {
            "country_code": row["country_code"],
            "country": row["country_min"],
            "n_regions": row["n_regions_sum"],
            "n_jurisdictions": row["n_jurisdictions_sum"],
            "has_mobility": row["n_regions_sum"] > 0,
            "has_policy": row["country_code"] in days,
            "first_on": row["first_on_min"],
            "last_on": row["last_on_max"],
            "policy_first_on": days.get(row["country_code"], {}).get("observed_on_min"),
            "policy_last_on": days.get(row["country_code"], {}).get("observed_on_max"),
        }
        for row in found.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=COUNTRIES.arrow_schema()).sort_by("country_code")


def coverage_table(mobility: pa.Table, countries: pa.Table, policy: pa.Table) -> pa.Table:
    """The table `coverage`: a row for each country and day that `mobility` (COVERAGE_DAYS) or `policy` has; one to
    one. A share is NULL outside of the country's days in mobility.
    """
    rules = _policy_days(policy)
    both = mobility.join(rules, ["country_code", "observed_on"], join_type="full outer")
    known = countries.select(["country_code", "n_regions", "first_on", "last_on"])
    known = known.rename_columns(["country_code", "n_known", "first_on", "last_on"])
    both = both.join(known, "country_code", join_type="left outer")
    day = both["observed_on"]
    is_within = pc.and_(pc.greater_equal(day, both["first_on"]), pc.less_equal(day, both["last_on"]))
    n_known = pc.if_else(is_within, both["n_known"], None).cast(pa.float64())
    columns = {
        "country_code": both["country_code"],
        "observed_on": both["observed_on"],
        "n_regions": pc.fill_null(both["n_regions"], 0),
        "n_national": pc.fill_null(both["n_national"], 0),
        **{f"{name}_share": pc.divide(pc.fill_null(both[name], 0).cast(pa.float64()), n_known) for name in CATEGORIES},
        "n_indices": pc.fill_null(both["n_indices"], 0),
        "n_jurisdictions": pc.fill_null(both["n_jurisdictions"], 0),
    }
    rows = pa.table(columns).cast(COVERAGE.arrow_schema())
    return rows.sort_by([(name, "ascending") for name in COVERAGE.key])


def _policy_days(policy: pa.Table) -> pa.Table:
    """A row for each country and day of `policy`: indices of the whole country, jurisdictions with any."""
    n_indices = pa.array(np.zeros(policy.num_rows, np.int64))
    for name in INDICES:
        n_indices = pc.add(n_indices, pc.is_valid(policy[name]).cast(pa.int64()))
    is_national = pc.equal(policy["region_id"], policy["country_code"]).cast(pa.int64())
    marked = policy.select(["country_code", "observed_on"])
    marked = marked.append_column("n_indices", pc.multiply(n_indices, is_national))
    marked = marked.append_column("n_jurisdictions", pc.greater(n_indices, 0).cast(pa.int64()))
    counted = marked.group_by(["country_code", "observed_on"])
    return counted.aggregate([("n_indices", "sum"), ("n_jurisdictions", "sum")]).rename_columns(
        ["country_code", "observed_on", "n_indices", "n_jurisdictions"]
    )


def _national(policy: pa.Table) -> pa.Table:
    return policy.filter(pc.equal(policy["region_id"], policy["country_code"]))
