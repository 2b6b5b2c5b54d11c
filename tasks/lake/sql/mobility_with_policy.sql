-- Mobility of a country and of all its parts, each row beside the national policy of its day: a row of mobility is a
-- row here. A join on country_code would give it once for each state and city that policy knows too.
CREATE MACRO mobility_with_policy(country) AS TABLE
SELECT
    m.region_id,
    m.observed_on,
    m.category,
    m.country_code,
    m.subregion_1,
    m.subregion_2,
    m.change_pct,
    m.change_pct_centred_13d,
    m.change_pct_trailing_7d,
    p.containment_health_index,
    p.stringency_index,
    p.government_response_index,
    p.economic_support_index
FROM mobility AS m
LEFT JOIN policy AS p ON p.region_id = m.country_code AND p.observed_on = m.observed_on
WHERE m.country_code = country;
COMMENT ON MACRO TABLE mobility_with_policy IS
    'mobility_with_policy(country): mobility of a country (SE) and its parts beside its national policy, row by row';
