-- Tokens of each language, and how many of them have a part of speech.
SELECT d.lang, count(*) AS n_tokens, count(t.pos) AS n_tagged
FROM tokens AS t
JOIN documents AS d ON d.doc_id = t.doc_id
GROUP BY d.lang
ORDER BY d.lang;
