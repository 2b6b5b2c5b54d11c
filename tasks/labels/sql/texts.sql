-- The beginnings of some documents.
SELECT d.doc_id, d.uri, left(d.text, 300) AS beginning
FROM documents AS d
WHERE list_contains($doc_ids, d.doc_id);
