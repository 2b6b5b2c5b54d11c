"""Small published snapshots for the tests of what reads them."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from expectations.contracts.mobility import MOBILITY, POLICY
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord

FIRST_DAY = date(2020, 2, 15)


def mobility_rows(region_id: str, n_days: int, country: str, first_day: date = FIRST_DAY) -> list[dict[str, object]]:
    rng = np.random.default_rng(3)
    rows = []
    for n in range(n_days):
        low = n >= n_days // 2
        for category, change in (("workplaces", -60.0 if low else 0.0), ("residential", 25.0 if low else 0.0)):
            value = change + float(rng.normal(0, 3))
            rows.append(
                {
                    "region_id": region_id,
                    "observed_on": first_day + timedelta(days=n),
                    "category": category,
                    "country_code": region_id[:2],
                    "country": country,
                    "change_pct": value,
                    "change_pct_centred_13d": change,
                    "vintage": "0" * 12,
                }
            )
    return rows


def publish_mobility(
    lake: Lake,
    *regions: tuple[str, int],
    country: str = "Sweden",
    is_missing: bool = False,
    first_day: date = FIRST_DAY,
) -> None:
    """Publish workplaces and time at home of regions (id, days): a baseline, then from half the days on a lockdown; and
    Sweden's policy.

    With `is_missing` every row is there and no value.
    """
    rows = [
        row | ({"change_pct": None} if is_missing else {})
        for region in regions
        for row in mobility_rows(*region, country, first_day)
    ]
    policy = [
        {
            "region_id": "SE",
            "observed_on": row["observed_on"],
            "country_code": "SE",
            "containment_health_index": 5.0 + n / 10,
            "vintage": "0" * 12,
        }
        for n, row in enumerate(rows[::2])
        if row["region_id"] == "SE"
    ]
    tables = {
        "mobility": pa.Table.from_pylist(rows, schema=MOBILITY.arrow_schema()),
        "policy": pa.Table.from_pylist(policy, schema=POLICY.arrow_schema()),
    }
    files = {name: (write_table(lake, name, table),) for name, table in tables.items()}
    publish(lake, [StageRecord("mobility", files, (), 1, 0)], "run")
