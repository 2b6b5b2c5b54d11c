-- Rows that a step set aside, by rule: nothing is dropped without a line here.
SELECT stage, rule, sum(n_rows_set_aside)::BIGINT AS n_rows
FROM ops.ledger
WHERE outcome = 'set_aside' AND subject_kind = 'batch'
GROUP BY stage, rule
ORDER BY n_rows DESC, stage, rule;
