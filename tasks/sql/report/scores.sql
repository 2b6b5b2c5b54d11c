-- Every score, beside what it is compared with; scores by days ahead are drawn in the section on forecasts.
SELECT s.model_id, s.metric, s.split, s.value, s.baseline, s.baseline_value
FROM scores AS s
WHERE NOT regexp_matches(s.metric, '_horizon_[0-9]+_days$')
ORDER BY s.model_id, s.split, s.metric;
