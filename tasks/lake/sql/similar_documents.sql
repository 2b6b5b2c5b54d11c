-- The k documents nearest to document `doc_id`, by the cosine of their TF-IDF weights, which are of length 1 a
-- document.
CREATE MACRO similar_documents(doc_id, k) AS TABLE
WITH asked AS MATERIALIZED (
    -- First of all, for a join of all documents' terms with one another would never end.
    SELECT a.doc_id, a.lang, x.term, x.weight
    FROM (SELECT doc_id AS asked_id) AS q
    JOIN documents AS a ON a.doc_id = q.asked_id
    JOIN tfidf AS x ON x.doc_id = q.asked_id
),
nearest AS (
    SELECT y.doc_id, round(sum(x.weight * y.weight), 6) AS similarity
    FROM tfidf AS y
    JOIN asked AS x ON x.term = y.term
    GROUP BY y.doc_id
)
SELECT n.doc_id, n.similarity, d.title, d.source, d.uri
FROM nearest AS n
JOIN documents AS d ON d.doc_id = n.doc_id
-- A term of one language is no term of another that is spelt alike.
WHERE EXISTS (SELECT 1 FROM asked AS a WHERE a.doc_id <> d.doc_id AND a.lang = d.lang)
ORDER BY n.similarity DESC, n.doc_id
LIMIT k;
COMMENT ON MACRO TABLE similar_documents IS
    'similar_documents(doc_id, k): the k documents nearest to a document by the cosine of their TF-IDF weights';
