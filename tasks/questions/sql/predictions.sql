-- The label that each model predicts.
SELECT model_id, label, round(probability, 6) AS probability
FROM predictions
WHERE doc_id = $doc_id
ORDER BY model_id;
