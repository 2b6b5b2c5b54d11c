-- The label that came with it, and what each model says.
SELECT NULL AS model_id, label, NULL AS probability FROM labels WHERE doc_id = $doc_id
UNION ALL
SELECT model_id, label, round(probability, 6) FROM predictions WHERE doc_id = $doc_id
ORDER BY model_id NULLS FIRST;
