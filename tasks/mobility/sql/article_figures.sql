-- The lines of the article's three figures: 1 one country by category, 2 each of the four categories by country, 3 the
-- containment and health index by country. Changes are smoothed over ±6 days, as there.
WITH shown AS (
    SELECT country_code, category, observed_on, change_pct_centred_13d AS value
    FROM mobility
    WHERE
        region_id = country_code
        AND list_contains($countries, country_code)
        AND category IN ('transit_stations', 'residential', 'workplaces', 'retail_and_recreation')
)

SELECT 1 AS figure, country_code AS panel, category AS line, observed_on, value
FROM shown
WHERE country_code = $first
UNION ALL
SELECT 2 AS figure, category AS panel, country_code AS line, observed_on, value
FROM shown
UNION ALL
SELECT
    3 AS figure, 'containment_health_index' AS panel, country_code AS line, observed_on,
    containment_health_index AS value
FROM policy
WHERE region_id = country_code AND list_contains($countries, country_code)
ORDER BY figure, panel, line, observed_on;
