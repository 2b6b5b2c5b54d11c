-- The models of word vectors in use.
SELECT m.model_id, m.kind, m.lang, m.seed, m.settings, m.snapshot_id, m.data_sha256, m.path
FROM models AS m
SEMI JOIN word_vectors AS v ON v.model_id = m.model_id
WHERE m.is_champion
ORDER BY m.lang, m.model_id;
