-- The classifiers of each labelled source with their scores on held-out documents and the ends of the 95 % intervals;
-- the champion first.
WITH scored AS (
  SELECT
    s.model_id,
    max(s.value) FILTER (s.metric = 'accuracy') AS accuracy,
    max(s.value) FILTER (s.metric = 'accuracy_low') AS accuracy_low,
    max(s.value) FILTER (s.metric = 'accuracy_high') AS accuracy_high,
    max(s.value) FILTER (s.metric = 'macro_f1') AS macro_f1,
    max(s.value) FILTER (s.metric = 'macro_f1_low') AS macro_f1_low,
    max(s.value) FILTER (s.metric = 'macro_f1_high') AS macro_f1_high,
    max(s.value) FILTER (s.metric = 'log_loss') AS log_loss,
    max(s.value) FILTER (s.metric = 'log_loss_low') AS log_loss_low,
    max(s.value) FILTER (s.metric = 'log_loss_high') AS log_loss_high
  FROM scores AS s
  WHERE s.split = 'test'
  GROUP BY s.model_id
)
SELECT
  json_extract_string(m.settings, '$.source') AS source, m.lang, m.kind, m.is_champion, m.path, m.snapshot_id, scored.*
FROM models AS m
JOIN scored ON scored.model_id = m.model_id -- one row a model
WHERE starts_with(m.kind, 'label_')
ORDER BY source, m.is_champion DESC, scored.accuracy DESC, m.kind;
