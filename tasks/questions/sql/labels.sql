-- The label that came with it, which no model predicted.
SELECT NULL AS model_id, label, NULL AS probability
FROM labels
WHERE doc_id = $doc_id;
