-- The hidden Markov models in use, of one kind.
SELECT model_id, lang, seed, settings, snapshot_id, path
FROM models
WHERE kind = $kind AND is_champion
ORDER BY lang, model_id;
