-- How much later fetches rewrote of each country: of the values that more than one fetch tells, how many the latest one
-- gives otherwise than the first one did, how many it withdrew or added, and by how many percentage points they differ.
WITH fetched AS (
    SELECT
        r.country_code,
        r.vintage,
        max((r.vintage_on, r.fetched_on, r.uri, r.source, r.nth_fetch)) AS place
    FROM mobility_revisions AS r
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
        arg_min_null(r.change_pct, n.place) AS first_pct,
        arg_max_null(r.change_pct, n.place) AS last_pct
    FROM mobility_revisions AS r
    JOIN numbered AS n ON n.country_code = r.country_code AND n.vintage = r.vintage AND n.n_fetches > 1
    GROUP BY r.region_id, r.observed_on, r.category, r.country_code, n.n_fetches
    HAVING count(*) > 1
)
SELECT
    'mobility' AS of,
    t.country_code,
    any_value(c.country) AS country,
    any_value(t.n_fetches) AS n_fetches,
    count(*) AS n_values,
    count(*) FILTER (WHERE t.first_pct <> t.last_pct) AS n_changed,
    count(*) FILTER (WHERE t.first_pct IS NOT NULL AND t.last_pct IS NULL) AS n_withdrawn,
    count(*) FILTER (WHERE t.first_pct IS NULL AND t.last_pct IS NOT NULL) AS n_added,
    avg(abs(t.last_pct - t.first_pct)) FILTER (WHERE t.first_pct <> t.last_pct) AS mean_points,
    max(abs(t.last_pct - t.first_pct)) AS most_points
FROM told AS t
LEFT JOIN countries AS c ON c.country_code = t.country_code
GROUP BY t.country_code
ORDER BY n_changed + n_withdrawn + n_added DESC, n_values DESC, t.country_code
LIMIT 20;
