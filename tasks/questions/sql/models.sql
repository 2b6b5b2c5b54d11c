-- Models of its language that were trained on a snapshot, and are in use.
SELECT m.model_id, m.kind, m.snapshot_id, m.trained_at
FROM documents AS d
JOIN models AS m ON m.lang = d.lang AND m.is_champion
WHERE d.doc_id = $doc_id
ORDER BY m.kind, m.model_id;
