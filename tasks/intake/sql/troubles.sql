-- Places that live on an old vintage or on none, and why: what the gate refused or what gave nothing, then what never
-- gave anything.
WITH offered AS (
    SELECT source, uri, message FROM ops.vintages WHERE is_offered AND verdict = 'refused'
)
SELECT
    v.source, v.uri, v.trouble AS rule, coalesce(o.message, '') AS message, v.trouble_since AS since,
    CASE WHEN v.is_in_force THEN v.vintage END AS vintage,
    CASE WHEN v.is_in_force THEN v.fetched_at END AS fetched_at
FROM ops.vintages AS v
LEFT JOIN offered AS o ON o.source = v.source AND o.uri = v.uri
WHERE v.trouble IS NOT NULL
UNION ALL
SELECT q.source, q.uri, q.rule, q.message, NULL, NULL, NULL
FROM ops.quarantine AS q
WHERE list_contains($fetch_rules, q.rule)
    AND q.vintage IS NULL
    AND NOT EXISTS (SELECT 1 FROM ops.vintages AS v WHERE v.source = q.source AND v.uri = q.uri AND v.trouble IS NOT NULL)
UNION ALL
-- Corrections that find rows, and find them otherwise than they were written for: the rows stay as they came.
SELECT
    'corrections', l.subject, split_part(l.rule, ':', 1),
    split_part(l.rule, ':', 2) || ' fits ' || CAST(l.score AS BIGINT) || ' rows, and was written for '
        || CAST(l.threshold AS BIGINT) || ': if the source has been repaired remove it, else narrow it',
    NULL, NULL, NULL
FROM ops.ledger AS l
WHERE starts_with(l.rule, 'correction_no_longer_fits:')
ORDER BY 1, 3, 2;
