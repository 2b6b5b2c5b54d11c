-- What was taken in of mobility, by country: values are of a region, a day and a category.
SELECT
    m.country_code,
    any_value(m.country) AS country,
    count(DISTINCT m.region_id) AS n_regions,
    min(m.observed_on) AS first_day,
    max(m.observed_on) AS last_day,
    count(*) AS n_rows,
    count(m.change_pct) AS n_published
FROM mobility AS m
GROUP BY m.country_code
ORDER BY n_rows DESC, m.country_code
LIMIT 40;
