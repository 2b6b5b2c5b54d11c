-- The k documents that fit `words` best, by BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009, The
-- Probabilistic Relevance Framework, equation 3.15; the values are Lucene's). A word is looked up in `vocabulary`, so
-- that every form of its stem is found, in each language that knows it; words of scripts without spaces are found
-- wherever they stand in `words`.
CREATE MACRO search(words, k) AS TABLE
WITH question AS (
    SELECT fold_case(words) AS folded
),
piece AS (
    -- Runs of letters and digits, and what white space parts (don't, U.S.), less the punctuation around it.
    SELECT DISTINCT unnest(
        regexp_extract_all(folded, '[\p{L}\p{M}\p{N}]+')
        || list_transform(
            regexp_split_to_array(folded, '\s+'),
            lambda part: regexp_replace(part, '^[\pP\pS]+|[\pP\pS]+$', '', 'g')
        )
    ) AS norm
    FROM question
),
wanted AS (
    SELECT v.lang, v.stem AS term
    FROM vocabulary AS v
    SEMI JOIN piece ON piece.norm = v.norm
    UNION
    SELECT v.lang, v.stem
    FROM vocabulary AS v, question
    WHERE contains(question.folded, v.norm)
        AND regexp_matches(v.norm, '^[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]')
    UNION
    SELECT t.lang, t.term
    FROM terms AS t
    SEMI JOIN piece ON piece.norm = t.term
),
language AS (
    SELECT d.lang, count(*) AS n_documents, avg(d.n_words) AS mean_words
    FROM documents AS d
    GROUP BY d.lang
),
weighted AS (
    SELECT
        t.lang,
        t.term,
        ln(1 + (l.n_documents - t.n_documents + 0.5) / (t.n_documents + 0.5)) AS idf,
        l.mean_words
    FROM terms AS t
    JOIN wanted AS w ON w.lang = t.lang AND w.term = t.term
    JOIN language AS l ON l.lang = t.lang
),
hit AS (
    -- Before anything is joined to them: so the few terms are looked for while the file is read.
    SELECT x.doc_id, x.term, x.n_occurrences
    FROM tfidf AS x
    WHERE x.term IN (SELECT w.term FROM weighted AS w)
),
best AS (
    SELECT
        d.doc_id,
        d.lang,
        -- Rounded, because sums over threads differ in their last bits.
        round(sum(
            w.idf * h.n_occurrences * (1.2 + 1) / (h.n_occurrences + 1.2 * (1 - 0.75 + 0.75 * d.n_words / w.mean_words))
        ), 6) AS score
    FROM hit AS h
    JOIN documents AS d ON d.doc_id = h.doc_id
    JOIN weighted AS w ON w.lang = d.lang AND w.term = h.term
    GROUP BY d.doc_id, d.lang
    ORDER BY score DESC, d.doc_id
    LIMIT k
),
found AS (
    -- The folded text, and the same with a space for all that is no letter or digit: a letter for a letter, but for ß.
    SELECT
        b.doc_id, b.lang, b.score, d.title, d.source, d.uri, d.text,
        fold_case(d.text) AS folded,
        regexp_replace(' ' || fold_case(d.text) || ' ', '[^\p{L}\p{M}\p{N}]', ' ', 'g') AS spaced
    FROM best AS b
    JOIN documents AS d ON d.doc_id = b.doc_id
),
form AS (
    SELECT v.lang, v.norm
    FROM vocabulary AS v
    JOIN weighted AS w ON w.lang = v.lang AND w.term = v.stem
),
found_first AS (
    SELECT
        f.doc_id,
        -- As a word of its own; else anywhere, as words of scripts without spaces stand.
        coalesce(
            min(nullif(strpos(f.spaced, ' ' || v.norm || ' '), 0)),
            min(nullif(strpos(f.folded, v.norm), 0)),
            1
        ) AS place
    FROM found AS f
    LEFT JOIN form AS v ON v.lang = f.lang
    GROUP BY f.doc_id
)
SELECT
    f.doc_id,
    f.score,
    f.title,
    f.source,
    f.uri,
    -- 160 characters, the first word found among them.
    trim(regexp_replace(substring(f.text, greatest(1, p.place - 60), 160), '\s+', ' ', 'g')) AS snippet
FROM found AS f
JOIN found_first AS p ON p.doc_id = f.doc_id
ORDER BY f.score DESC, f.doc_id;
COMMENT ON MACRO TABLE search IS 'search(words, k): the k documents that fit the words best (BM25), with a snippet';
