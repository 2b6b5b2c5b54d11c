"""The equal work of `mobility.py` in polars, run by a Python that has polars: `mobility_polars.py TARGET GROUP ...`.

Written for speed: texts as categoricals, long rows gathered by position (`unpivot` and a sort, or `concat_list` and
`explode`, take two to three times as long). A group is the reports of one vintage, oldest first, as
`VINTAGE:DATE_FORMAT:FILE,FILE,...`. Nothing of Tidemill is imported.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import polars as pl

CATEGORIES = ("grocery_and_pharmacy", "parks", "residential", "retail_and_recreation", "transit_stations", "workplaces")
GIVEN = {
    "country_region_code": "country_code",
    "country_region": "country",
    "sub_region_1": "subregion_1",
    "sub_region_2": "subregion_2",
    "metro_area": "metro_area",
    "iso_3166_2_code": "iso_3166_2_code",
    "census_fips_code": "census_fips_code",
    "place_id": "place_id",
}
VALUES = {f"{category}_percent_change_from_baseline": category for category in CATEGORIES}
REGION_DAY = ("region_id", "place_id", "observed_on")


def read_group(group: str) -> pl.LazyFrame:
    """The wide rows of one vintage."""
    vintage, date_format, files = group.split(":", 2)
    paths = files.split(",")
    with Path(paths[0]).open(encoding="utf-8") as opened:
        names = opened.readline().strip().split(",")
    schema = {name: pl.Float64 if name in VALUES else pl.String for name in names}
    rows = pl.scan_csv(paths, schema=schema, null_values=[""], low_memory=False)
    absent = [pl.lit(None, pl.String).alias(GIVEN[name]) for name in GIVEN if name not in names]
    return rows.select(
        *(pl.col(name).alias(GIVEN[name]) for name in GIVEN if name in names),
        *absent,
        pl.col("date").str.to_date(date_format).alias("observed_on"),
        *(pl.col(name).alias(category) for name, category in VALUES.items()),
        pl.lit(vintage).alias("vintage"),
    ).with_columns(
        pl.concat_str(
            ["country_code", "subregion_1", "subregion_2", "metro_area"], separator="/", ignore_nulls=True
        ).alias("region_id")
    )


def main(target: Path, groups: list[str]) -> None:
    """Read, keep the latest row of each region-day, smooth, make long and write."""
    frames = [read_group(group) for group in groups]
    rows = frames[0]
    for later in frames[1:]:
        kept = rows.join(later.select("region_id", "observed_on"), on=["region_id", "observed_on"], how="anti")
        rows = pl.concat([kept, later.select(kept.collect_schema().names())])
    texts = ("region_id", *GIVEN.values(), "vintage")
    wide = rows.with_columns(pl.col(*texts).cast(pl.Categorical)).collect().sort(REGION_DAY)
    wide = wide.with_columns(pl.struct(pl.col("region_id", "place_id").to_physical()).rle_id().alias("region"))
    row = pl.int_range(wide.height * len(CATEGORIES), eager=True)
    place, category = row // len(CATEGORIES), row % len(CATEGORIES)
    stacked = category * wide.height + place  # where a long row's value stands, the columns one after another
    value = pl.concat([wide[name] for name in CATEGORIES]).gather(stacked)
    long = wide.select(*texts, "observed_on").select(pl.all().gather(place))
    long = long.with_columns(
        pl.Series("category", CATEGORIES, pl.Categorical).gather(category), value.alias("change_pct")
    )
    for name, period, offset in (("change_pct_centred_13d", "13d", "-7d"), ("change_pct_trailing_7d", "7d", "-7d")):
        means = wide.rolling("observed_on", period=period, offset=offset, group_by="region").agg(
            pl.col(category).mean() for category in CATEGORIES
        )
        mean = pl.concat([means[category] for category in CATEGORIES]).gather(stacked)
        long = long.with_columns(pl.when(value.is_not_null()).then(mean).alias(name))
    order = ("region_id", "observed_on", "category", *GIVEN.values(), "change_pct")
    long = long.select(*order, "change_pct_centred_13d", "change_pct_trailing_7d", "vintage")
    long.lazy().sink_parquet(target, compression="zstd", compression_level=3, row_group_size=131_072)


if __name__ == "__main__":
    began_cpu, began = time.process_time(), time.perf_counter()
    main(Path(sys.argv[1]), sys.argv[2:])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.process_time() - began_cpu, time.perf_counter() - began, peak_mb)
