-- What it came apart into.
SELECT
    count(*) AS n_tokens,
    count(DISTINCT sentence) AS n_sentences,
    count(DISTINCT norm) AS n_distinct,
    count(*) FILTER (WHERE is_stop) AS n_stop_words
FROM tokens
WHERE doc_id = $doc_id;
