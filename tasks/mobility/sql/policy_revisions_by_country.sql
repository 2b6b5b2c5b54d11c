-- How much later fetches rewrote of each country's policy indices, its parts among them: of the values that
-- more than one fetch tells, how many the latest one gives otherwise than the first one did, how many it withdrew or
-- added, and by how many points of the index they differ. Indices have two decimals, and one vintage was written from
-- 32-bit numbers, 76.85 as 76.84999847: what is nearer than half a hundredth is the same.
WITH fetched AS (
    SELECT
        r.country_code,
        r.vintage,
        max((r.vintage_on, r.fetched_on, r.uri, r.source, r.nth_fetch)) AS place
    FROM policy_revisions AS r
    GROUP BY r.country_code, r.vintage
),
numbered AS (
    SELECT
        f.country_code,
        f.vintage,
        row_number() OVER (PARTITION BY f.country_code ORDER BY f.place) AS place,
        count(*) OVER (PARTITION BY f.country_code) AS n_fetches
    FROM fetched AS f
),
told AS (
    SELECT
        r.country_code,
        n.n_fetches,
        -- Those of the name `_null` take a NULL for what it is here, a value that was not published.
        arg_min_null(r.value, n.place) AS first_value,
        arg_max_null(r.value, n.place) AS last_value
    FROM policy_revisions AS r
    JOIN numbered AS n ON n.country_code = r.country_code AND n.vintage = r.vintage AND n.n_fetches > 1
    GROUP BY r.region_id, r.observed_on, r.policy_index, r.country_code, n.n_fetches
    HAVING count(*) > 1
)
SELECT
    'policy' AS of,
    t.country_code,
    any_value(c.country) AS country,
    any_value(t.n_fetches) AS n_fetches,
    count(*) AS n_values,
    count(*) FILTER (WHERE abs(t.last_value - t.first_value) > 0.005) AS n_changed,
    count(*) FILTER (WHERE t.first_value IS NOT NULL AND t.last_value IS NULL) AS n_withdrawn,
    count(*) FILTER (WHERE t.first_value IS NULL AND t.last_value IS NOT NULL) AS n_added,
    avg(abs(t.last_value - t.first_value)) FILTER (WHERE abs(t.last_value - t.first_value) > 0.005) AS mean_points,
    max(abs(t.last_value - t.first_value)) AS most_points
FROM told AS t
LEFT JOIN countries AS c ON c.country_code = t.country_code
GROUP BY t.country_code
ORDER BY n_changed + n_withdrawn + n_added DESC, n_values DESC, t.country_code
LIMIT 20;
