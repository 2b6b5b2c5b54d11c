-- Rows that were set aside while it was read.
SELECT q.table_name, q.rule, q.message, q.uri
FROM documents AS d
JOIN ops.quarantine AS q ON q.source = d.source AND (q.uri = d.uri OR starts_with(q.uri, d.uri || '#'))
WHERE d.doc_id = $doc_id
ORDER BY q.table_name, q.rule, q.uri;
