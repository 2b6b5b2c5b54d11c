-- Groups of the last snapshot that now have fewer different values than a share of those they had.
WITH now AS (SELECT {by}, count(DISTINCT {value}) AS n FROM {batch} GROUP BY {group}),
past AS (SELECT {by}, count(DISTINCT {value}) AS n FROM {before} GROUP BY {group})
SELECT {by_past}, past.n AS n_before, coalesce(now.n, 0) AS n_now
FROM past LEFT JOIN now ON {same_group}
WHERE coalesce(now.n, 0) < {least} * past.n
