-- What was taken in of texts: documents, words and mean confidence of the language, by source and language.
SELECT
    source, lang, count(*) AS n_documents, sum(n_words)::BIGINT AS n_words,
    round(avg(lang_confidence), 3) AS mean_lang_confidence
FROM documents
GROUP BY source, lang
ORDER BY source, n_documents DESC, lang;
