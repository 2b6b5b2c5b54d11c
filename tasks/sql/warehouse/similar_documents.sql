-- The k documents nearest to document `doc_id`, by the cosine of their TF-IDF weights, which are of length 1 per document.
CREATE MACRO similar_documents(doc_id, k) AS TABLE
WITH question AS (
    SELECT doc_id AS asked_id
),
nearest AS (
    SELECT y.doc_id, round(sum(x.weight * y.weight), 6) AS similarity
    FROM question AS q
    JOIN tfidf AS x ON x.doc_id = q.asked_id
    JOIN tfidf AS y ON y.term = x.term AND y.doc_id <> x.doc_id
    -- A term of one language is no term of another that is spelt alike.
    JOIN documents AS a ON a.doc_id = x.doc_id
    JOIN documents AS b ON b.doc_id = y.doc_id AND b.lang = a.lang
    GROUP BY y.doc_id
    ORDER BY similarity DESC, y.doc_id
    LIMIT k
)
SELECT n.doc_id, n.similarity, d.title, d.source, d.uri
FROM nearest AS n
JOIN documents AS d ON d.doc_id = n.doc_id
ORDER BY n.similarity DESC, n.doc_id;
COMMENT ON MACRO TABLE similar_documents IS 'similar_documents(doc_id, k): the k documents nearest to a document by the cosine of their TF-IDF weights';
