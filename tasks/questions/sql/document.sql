-- The document as published, without its text.
SELECT * EXCLUDE (text) FROM documents WHERE doc_id = $doc_id;
