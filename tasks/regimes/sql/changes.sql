-- Days on which a shown country's state is another than on the day before that it has one.
SELECT region_id, observed_on AS day, before AS from_state, label AS to_state, round(probability, 3) AS probability
FROM (
    SELECT r.region_id, r.observed_on, r.label, r.probability,
        lag(r.label) OVER (PARTITION BY r.model_id, r.region_id ORDER BY r.observed_on) AS before
    FROM regimes AS r
    WHERE list_contains($countries, r.region_id)
)
WHERE before <> label
ORDER BY region_id, day;
