-- Every score, beside what it is compared with, and which way is better. Scores by days ahead are for charts.
SELECT s.model_id, s.metric, s.split, s.value, s.baseline, s.baseline_value, s.better, s.target
FROM scores AS s
WHERE NOT regexp_matches(s.metric, '_horizon_[0-9]+_days$')
ORDER BY s.model_id, s.split, s.metric;
