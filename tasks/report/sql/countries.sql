-- The countries whose curves are shown: the four of the article on mobility where they are there, else those with most
-- published days.
SELECT country_code, any_value(country) AS country
FROM mobility
WHERE region_id = country_code
GROUP BY country_code
ORDER BY country_code IN ('DE', 'SE', 'IT', 'NZ') DESC, count(change_pct) DESC, country_code
LIMIT 4;
