-- The three words nearest to each of a model's most frequent words of the index that have four letters or more, by cosine.
WITH frequent AS (
    SELECT w.term, w.vector, w.n_occurrences
    FROM word_vectors AS w
    JOIN vocabulary AS v ON v.lang = w.lang AND v.norm = w.term AND NOT v.is_stop -- one row a word of a language
    WHERE w.model_id = $model_id AND length(w.term) > 3
    ORDER BY w.n_occurrences DESC, w.term
    LIMIT 8
),
near AS (
    SELECT
        f.term, f.n_occurrences, o.term AS neighbour,
        list_cosine_similarity(f.vector::FLOAT[], o.vector::FLOAT[]) AS similarity
    FROM frequent AS f
    JOIN word_vectors AS o ON o.model_id = $model_id AND o.term <> f.term
    QUALIFY row_number() OVER (PARTITION BY f.term ORDER BY similarity DESC, o.term) <= 3
)
SELECT
    term, any_value(n_occurrences) AS n_occurrences,
    string_agg(
        neighbour || ' ' || round(similarity, 2)::VARCHAR, ', ' ORDER BY similarity DESC, neighbour
    ) AS nearest
FROM near
GROUP BY term
ORDER BY n_occurrences DESC, term;
