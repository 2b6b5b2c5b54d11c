-- The beginnings of some documents.
SELECT d.doc_id, d.uri, left(d.text, 300) AS beginning
FROM documents AS d
WHERE d.doc_id IN (SELECT unnest($doc_ids));
