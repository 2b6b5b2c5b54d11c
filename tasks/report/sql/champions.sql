-- The models in use, of some kinds.
SELECT model_id, kind, lang, seed, settings, snapshot_id, data_sha256, path
FROM models
WHERE is_champion AND list_contains($kinds, kind)
ORDER BY lang, model_id;
