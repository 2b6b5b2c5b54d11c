-- Smoothed national curves of the shown countries, one row a category and day.
SELECT country_code, category, observed_on, change_pct_centred_13d
FROM mobility
WHERE region_id = country_code AND list_contains($countries, country_code)
ORDER BY country_code, category, observed_on;
