-- The languages that have word vectors in use.
SELECT DISTINCT v.lang
FROM word_vectors AS v
SEMI JOIN models AS m ON m.model_id = v.model_id AND m.is_champion
ORDER BY v.lang;
