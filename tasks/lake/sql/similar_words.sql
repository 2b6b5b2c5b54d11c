-- The k words nearest to `word` in language `lang`, by the cosine of their vectors, in each model in use
-- (`models.is_champion`).
CREATE MACRO similar_words(lang, word, k) AS TABLE
WITH question AS (
    SELECT lang AS language, [word, fold_case(word)] AS forms
),
known AS (
    SELECT v.model_id, v.term, v.n_occurrences, v.vector
    FROM word_vectors AS v
    JOIN question AS q ON q.language = v.lang
    SEMI JOIN models AS m ON m.model_id = v.model_id AND m.is_champion
),
asked AS (
    SELECT a.model_id, a.term, a.vector
    FROM known AS a
    JOIN question AS q ON list_contains(q.forms, a.term)
    -- As it was typed, if a model knows it so; else folded.
    QUALIFY row_number() OVER (PARTITION BY a.model_id ORDER BY list_position(q.forms, a.term)) = 1
)
SELECT
    w.model_id,
    w.term,
    -- Rounded to what 32-bit numbers hold.
    round(
        CAST(list_cosine_similarity(CAST(a.vector AS FLOAT[]), CAST(w.vector AS FLOAT[])) AS DOUBLE), 6
    ) AS similarity,
    w.n_occurrences
FROM known AS w
JOIN asked AS a ON a.model_id = w.model_id AND a.term <> w.term
-- A vector of zeros is near to nothing.
WHERE list_max(CAST(w.vector AS FLOAT[])) <> 0 OR list_min(CAST(w.vector AS FLOAT[])) <> 0
ORDER BY similarity DESC, w.term, w.model_id
LIMIT k;
COMMENT ON MACRO TABLE similar_words IS
    'similar_words(lang, word, k): the k words nearest to a word by the cosine of their vectors';
