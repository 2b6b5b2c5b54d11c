-- Every score, beside what it is compared with.
SELECT s.model_id, s.metric, s.split, s.value, s.baseline, s.baseline_value
FROM scores AS s
ORDER BY s.model_id, s.split, s.metric;
