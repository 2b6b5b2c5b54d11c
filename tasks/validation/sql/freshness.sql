-- Groups whose last value is more than some days older than it was in the last snapshot.
WITH now AS (SELECT {by}, max({column}) AS last FROM {batch} GROUP BY {group}),
past AS (SELECT {by}, max({column}) AS last FROM {before} GROUP BY {group})
SELECT {by_past}, past.last AS last_before, now.last AS last_now
FROM past JOIN now ON {same_group}
WHERE now.last < past.last - INTERVAL ({hours}) HOURS
