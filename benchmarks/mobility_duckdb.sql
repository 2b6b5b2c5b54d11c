-- The equal work in DuckDB: reports with declared types, of each region-day the later report's row, both means by
-- calendar, long, in the order of the key. Means and order are made on the wide rows, a sixth of the long ones, and
-- `unnest` keeps their order: measured, windows and order over the long rows take about three times as long.
COPY (
    WITH named AS (
        SELECT
            concat_ws('/', country_code, subregion_1, subregion_2, metro_area) AS region_id,
            *
        FROM ({reports})
    ),
    latest AS (
        SELECT *
        FROM named
        {latest}
    ),
    smoothed AS (
        SELECT
            *,
            {means}
        FROM latest
        WINDOW
            of_13_days AS (
                PARTITION BY region_id, place_id ORDER BY observed_on
                RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND INTERVAL 6 DAYS FOLLOWING
            ),
            of_7_days AS (
                PARTITION BY region_id, place_id ORDER BY observed_on
                RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW
            )
    ),
    ordered AS (
        SELECT *
        FROM smoothed
        ORDER BY region_id, observed_on
    )
    SELECT
        region_id,
        observed_on,
        unnest({categories}) AS category,
        country_code,
        country,
        subregion_1,
        subregion_2,
        metro_area,
        iso_3166_2_code,
        census_fips_code,
        place_id,
        unnest({values}) AS change_pct,
        unnest({centred}) AS change_pct_centred_13d,
        unnest({trailing}) AS change_pct_trailing_7d,
        vintage
    FROM ordered
) TO {target} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 131072);
