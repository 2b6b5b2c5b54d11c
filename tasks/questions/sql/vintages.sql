-- The raw bytes that it came from, and earlier ones of the same address; a document's address is its file's, then # and
-- the place inside.
SELECT v.vintage, v.uri, v.n_bytes, v.fetched_at, v.fetched_at = d.fetched_at AS is_present
FROM documents AS d
JOIN ops.vintages AS v ON v.source = d.source AND (v.uri = d.uri OR starts_with(d.uri, v.uri || '#'))
WHERE d.doc_id = $doc_id
ORDER BY v.fetched_at DESC, v.vintage;
