-- The document of which it is a copy, and its own copies.
SELECT 'copy of' AS relation, kept_doc_id AS doc_id, similarity, method FROM duplicates WHERE doc_id = $doc_id
UNION ALL
SELECT 'has copy', doc_id, similarity, method FROM duplicates WHERE kept_doc_id = $doc_id
ORDER BY relation, doc_id;
