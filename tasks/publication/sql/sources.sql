-- Of each source: its places, the vintages kept and let in, what the gate said of what it offers now.
SELECT
    source,
    count(DISTINCT uri) AS places,
    count(*) AS vintages,
    count(*) FILTER (is_in_force) AS "in force",
    count(*) FILTER (is_offered AND verdict = 'warned') AS warned,
    count(*) FILTER (is_offered AND verdict = 'refused') AS refused,
    max(last_on) FILTER (is_in_force) AS "last day",
    max(fetched_at) FILTER (is_in_force) AS "last fetch in force"
FROM ops.vintages
GROUP BY source
ORDER BY source;
