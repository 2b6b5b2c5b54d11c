-- Every score of one model, beside what it is compared with.
SELECT s.metric, s.split, s.value, s.baseline, s.baseline_value
FROM scores AS s
WHERE s.model_id = $model_id
ORDER BY s.split, s.metric;
