-- The languages that have word vectors in use, by name.
SELECT DISTINCT v.lang
FROM word_vectors AS v
SEMI JOIN models AS m ON m.model_id = v.model_id AND m.is_champion
ORDER BY v.lang;
