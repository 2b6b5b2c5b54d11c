-- The last weeks of one series and its forecast, one row a day.
SELECT
    coalesce(observed.observed_on, forecast.target_on) AS day, observed.change_pct,
    forecast.change_pct_p10, forecast.change_pct_p50, forecast.change_pct_p90
FROM (
    SELECT observed_on, change_pct
    FROM mobility
    WHERE region_id = $region_id AND category = $category AND observed_on + INTERVAL 42 DAY > $origin_on
) AS observed
FULL JOIN ( -- one row a day on either side
    SELECT target_on, change_pct_p10, change_pct_p50, change_pct_p90
    FROM forecasts
    WHERE region_id = $region_id AND category = $category
) AS forecast ON forecast.target_on = observed.observed_on
ORDER BY day;
