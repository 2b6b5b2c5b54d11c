-- The ten terms that tell it best from other documents.
SELECT term, n_occurrences, round(weight, 6) AS weight
FROM tfidf
WHERE doc_id = $doc_id
ORDER BY weight DESC, term
LIMIT 10;
