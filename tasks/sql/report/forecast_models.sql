-- The forecaster in use.
SELECT m.model_id, m.seed, m.settings, m.snapshot_id, m.data_sha256, m.path
FROM models AS m
WHERE m.is_champion AND m.kind = 'lstm_forecast'
ORDER BY m.model_id;
