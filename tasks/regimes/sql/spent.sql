-- Days that each shown country spent in each regime.
SELECT
    r.region_id, r.state, r.label, count(*) AS n_days, min(r.observed_on) AS first_day, max(r.observed_on) AS last_day,
    round(avg(r.probability), 3) AS mean_probability
FROM regimes AS r
WHERE list_contains($countries, r.region_id)
GROUP BY r.region_id, r.state, r.label
ORDER BY r.region_id, r.state;
