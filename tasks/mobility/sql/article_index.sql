-- The lines of figure 3 as near as can be to what the article saw: from the earliest vintage that is here and reaches the
-- day before its data were fetched (2020-06-04). `last_on` is the last day of that vintage.
WITH vintages AS (
    SELECT uri, vintage, max(observed_on) FILTER (WHERE value IS NOT NULL) AS last_on
    FROM policy_revisions
    WHERE policy_index = 'containment_health_index' AND list_contains($countries, region_id)
    GROUP BY uri, vintage
    HAVING last_on >= DATE '2020-06-03'
    ORDER BY count(DISTINCT region_id) DESC, last_on, uri, vintage
    LIMIT 1
)

SELECT r.region_id AS line, r.observed_on, r.value, v.last_on
FROM policy_revisions AS r
INNER JOIN vintages AS v USING (uri, vintage)
WHERE
    r.policy_index = 'containment_health_index'
    AND list_contains($countries, r.region_id)
    AND r.observed_on < DATE '2020-06-04'
ORDER BY r.region_id, r.observed_on;
