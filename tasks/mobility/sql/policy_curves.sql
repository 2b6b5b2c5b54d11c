-- Containment and health index of the shown countries.
SELECT country_code, observed_on, containment_health_index
FROM policy
WHERE region_id = country_code AND list_contains($countries, country_code)
ORDER BY country_code, observed_on;
