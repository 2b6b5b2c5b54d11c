-- Words of the models in use that are spelt nearly like $word: at most a third of its letters are to be changed, put
-- in, left out or exchanged.
WITH question AS (
    SELECT fold_case($word) AS word
),
near AS (
    SELECT v.term, v.n_occurrences, damerau_levenshtein(fold_case(v.term), q.word) AS n_changes
    FROM word_vectors AS v
    SEMI JOIN models AS m ON m.model_id = v.model_id AND m.is_champion
    JOIN question AS q ON abs(length(v.term) - length(q.word)) <= greatest(1, length(q.word) // 3)
    WHERE v.lang = coalesce($lang, v.lang)
)
SELECT n.term
FROM near AS n, question AS q
WHERE n.n_changes <= greatest(1, length(q.word) // 3)
GROUP BY n.term
ORDER BY min(n.n_changes), max(n.n_occurrences) DESC, n.term
LIMIT 3;
