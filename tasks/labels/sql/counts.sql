-- For how many documents each model predicts each label, and how sure it is of them.
SELECT p.label, count(*) AS documents, avg(p.probability) AS mean_probability
FROM predictions AS p
WHERE p.model_id = $model_id
GROUP BY p.label
ORDER BY documents DESC, p.label;
