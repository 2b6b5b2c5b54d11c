-- The last weeks of one series and its forecast, one row a day.
SELECT coalesce(seen.observed_on, said.target_on) AS day, seen.change_pct, said.change_pct_p10, said.change_pct_p50, said.change_pct_p90
FROM (
  SELECT observed_on, change_pct
  FROM mobility
  WHERE region_id = $region_id AND category = $category AND observed_on > $origin_on - INTERVAL 42 DAY
) AS seen
FULL JOIN (
  SELECT target_on, change_pct_p10, change_pct_p50, change_pct_p90
  FROM forecasts
  WHERE region_id = $region_id AND category = $category
) AS said ON said.target_on = seen.observed_on
ORDER BY day;
