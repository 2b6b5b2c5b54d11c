-- Every place of every source, with the vintage in force there.
SELECT
    source,
    uri,
    max(vintage) FILTER (is_in_force) AS vintage,
    max(fetched_at) FILTER (is_in_force) AS fetched_at,
    max(last_on) FILTER (is_in_force) AS last_on,
    max(verdict) FILTER (is_in_force) AS verdict,
    max(trouble) AS trouble,
    max(trouble_since) AS trouble_since,
    count(*) AS n_vintages
FROM ops.vintages
GROUP BY source, uri
ORDER BY source, uri;
