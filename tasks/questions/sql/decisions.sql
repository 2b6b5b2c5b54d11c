-- Every decision that was taken about it.
SELECT stage, outcome, rule, score, threshold, n_bytes_before, n_bytes_after, code_version
FROM ops.ledger
WHERE subject_kind = 'document' AND subject = $doc_id
ORDER BY stage, rule;
