-- Groups whose last value is more than some days older than the fetch: the last of all, or of the source asked of.
WITH now AS (SELECT {by}, max({column}) AS last FROM {batch} GROUP BY {group}),
fetched AS (SELECT max(fetched_at) AT TIME ZONE 'UTC' AS moment FROM ops.vintages WHERE {of_source})
SELECT {by_now}, fetched.moment AS fetched_at, now.last AS last_now
FROM now, fetched
WHERE now.last::TIMESTAMP < fetched.moment - INTERVAL ({hours}) HOURS
