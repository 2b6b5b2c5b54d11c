-- The policy indices as they were known on a day, one a row: of each value what the latest vintage says that counts as
-- known by then (`policy_revisions.vintage_on`); uncorrected, NULL where that vintage did not publish it.
CREATE MACRO policy_as_of(day) AS TABLE
SELECT
    k.region_id,
    k.observed_on,
    k.policy_index,
    k.country_code,
    k.latest.value AS value,
    k.latest.vintage AS vintage,
    k.latest.vintage_on AS vintage_on,
    k.latest.source AS source,
    k.latest.uri AS uri
FROM (
    SELECT
        r.region_id,
        r.observed_on,
        r.policy_index,
        r.country_code,
        -- A whole row, for arg_max passes over a NULL, and the latest vintage may have one.
        arg_max(r, (r.vintage_on, r.fetched_on, r.uri, r.source, r.nth_fetch)) AS latest
    FROM policy_revisions AS r
    WHERE r.vintage_on <= CAST(day AS DATE)
    GROUP BY r.region_id, r.observed_on, r.policy_index, r.country_code
) AS k;
COMMENT ON MACRO TABLE policy_as_of IS
    'policy_as_of(day): every policy index as the latest vintage known on that day gave it';
