-- What people may mean by $name: an identifier, a whole address, or the end of one. Documents that were set aside count
-- too.
SELECT DISTINCT doc_id, uri
FROM (
    SELECT doc_id, uri FROM documents
    UNION ALL
    SELECT x.doc_id, d.uri FROM duplicates AS x LEFT JOIN documents AS d ON d.doc_id = x.doc_id
    UNION ALL
    SELECT subject, NULL FROM ops.ledger WHERE subject_kind = 'document'
) AS known
WHERE doc_id = $name OR uri = $name OR ends_with(uri, '/' || $name)
QUALIFY uri IS NOT NULL OR count(uri) OVER (PARTITION BY doc_id) = 0
ORDER BY uri = $name DESC, doc_id
LIMIT 20;
