-- Mobility as it was known on a day: of each value what the latest vintage says that counts as known by then
-- (`mobility_revisions.vintage_on`); uncorrected, NULL where that vintage did not publish it.
CREATE MACRO mobility_as_of(day) AS TABLE
SELECT
    k.region_id,
    k.observed_on,
    k.category,
    k.country_code,
    k.latest.change_pct AS change_pct,
    k.latest.vintage AS vintage,
    k.latest.vintage_on AS vintage_on,
    k.latest.source AS source,
    k.latest.uri AS uri
FROM (
    SELECT
        r.region_id,
        r.observed_on,
        r.category,
        r.country_code,
        -- A whole row, for arg_max passes over a NULL, and the latest vintage may have one.
        arg_max(r, (r.vintage_on, r.fetched_on, r.uri, r.source, r.nth_fetch)) AS latest
    FROM mobility_revisions AS r
    WHERE r.vintage_on <= CAST(day AS DATE)
    GROUP BY r.region_id, r.observed_on, r.category, r.country_code
) AS k;
COMMENT ON MACRO TABLE mobility_as_of IS
    'mobility_as_of(day): every value of mobility as the latest vintage known on that day gave it';
