-- Every published model: the one in use, and those that were trained beside it.
SELECT model_id, kind, lang, trained_at, snapshot_id, seed, is_champion
FROM models
ORDER BY kind, lang, trained_at DESC;
