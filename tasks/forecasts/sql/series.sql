-- Series to show: of the shown countries and categories those with most forecast days.
SELECT f.region_id, f.category, min(f.origin_on) AS origin_on, any_value(m.country) AS country
FROM forecasts AS f
JOIN (SELECT DISTINCT region_id, country FROM mobility WHERE region_id = country_code) AS m ON m.region_id = f.region_id
WHERE list_contains($countries, f.region_id) AND list_contains($categories, f.category)
GROUP BY f.region_id, f.category
ORDER BY count(*) DESC, f.region_id, f.category
LIMIT $most;
