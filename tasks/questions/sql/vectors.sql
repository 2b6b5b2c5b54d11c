-- The words of a language's model in use, the most frequent first, with their vectors and the model's settings.
SELECT v.model_id, v.term, v.n_occurrences, v.vector, m.settings
FROM word_vectors AS v
JOIN models AS m ON m.model_id = v.model_id
WHERE m.is_champion AND v.lang = $lang
ORDER BY v.model_id, v.n_occurrences DESC, v.term;
