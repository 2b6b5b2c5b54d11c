-- The three nearest words of the most frequent indexed words, per language, by cosine similarity.
WITH frequent AS (
    SELECT w.model_id, w.lang, w.term, w.vector, w.n_occurrences
    FROM word_vectors AS w
    JOIN vocabulary AS v ON v.lang = w.lang AND v.norm = w.term AND NOT v.is_stop
    WHERE length(w.term) > 3
    QUALIFY row_number() OVER (PARTITION BY w.model_id ORDER BY w.n_occurrences DESC, w.term) <= 8
),

near AS (
    SELECT f.lang, f.term, f.n_occurrences, o.term AS neighbour,
        list_cosine_similarity(f.vector::FLOAT[], o.vector::FLOAT[]) AS similarity
    FROM frequent AS f
    JOIN word_vectors AS o ON o.model_id = f.model_id AND o.term <> f.term
    QUALIFY row_number() OVER (PARTITION BY f.model_id, f.term ORDER BY similarity DESC, o.term) <= 3
)

SELECT lang, term, any_value(n_occurrences) AS n_occurrences,
    string_agg(neighbour || ' ' || round(similarity, 2)::VARCHAR, ', ' ORDER BY similarity DESC) AS nearest
FROM near
GROUP BY lang, term
ORDER BY lang, n_occurrences DESC, term;
