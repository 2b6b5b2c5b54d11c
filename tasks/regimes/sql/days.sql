-- The state of each shown country on each day, of the models in use.
SELECT r.region_id, r.observed_on, r.state
FROM regimes AS r
WHERE list_contains($countries, r.region_id)
ORDER BY r.region_id, r.observed_on;
