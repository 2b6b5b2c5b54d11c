-- Highest index of the article's four countries in every vintage that is here, beside those that the article states.
-- Its data were fetched on 2020-06-04, so they end before; in brackets what that day adds. When which indicator came in:
-- known_events.
WITH maxima AS (
    SELECT
        policy_index, uri, vintage, region_id,
        max(value) FILTER (WHERE observed_on < DATE '2020-06-04') AS highest,
        max(value) FILTER (WHERE observed_on <= DATE '2020-06-04') AS highest_with_day,
        max(observed_on) FILTER (WHERE value IS NOT NULL) AS last_on
    FROM policy_revisions
    WHERE
        region_id IN ('SE', 'DE', 'IT', 'NZ')
        AND policy_index IN ('containment_health_index', 'stringency_index')
    GROUP BY policy_index, uri, vintage, region_id
),

told AS (
    SELECT
        policy_index, uri, vintage, region_id, last_on,
        printf('%.1f', highest)
        || CASE WHEN highest_with_day > highest THEN printf(' (%.1f)', highest_with_day) ELSE '' END AS highest
    FROM maxima
),

vintages AS (
    SELECT
        policy_index, uri, vintage, max(last_on) AS last_on,
        max(highest) FILTER (WHERE region_id = 'SE') AS sweden,
        max(highest) FILTER (WHERE region_id = 'DE') AS germany,
        max(highest) FILTER (WHERE region_id = 'IT') AS italy,
        max(highest) FILTER (WHERE region_id = 'NZ') AS new_zealand
    FROM told
    GROUP BY policy_index, uri, vintage
    HAVING count(highest) > 0
),

explained AS (
    SELECT
        *,
        CASE
            WHEN policy_index = 'stringency_index'
                THEN 'another index, of nine indicators in every vintage: where it moves, the past was coded again'
            WHEN last_on < DATE '2020-10-01'
                THEN 'the article''s 11 indicators: what still differs was coded again after its fetch'
            WHEN last_on < DATE '2021-03-01'
                THEN '12 or 13 indicators: facial coverings, then vaccination came in and count for the past too'
            ELSE '14 indicators: facial coverings, vaccination (0 in 2020) and elderly people count for the past too'
        END AS why_it_differs
    FROM vintages
    UNION ALL
    SELECT
        'containment_health_index' AS policy_index, 'text of the article' AS uri, NULL AS vintage,
        DATE '2020-06-03' AS last_on, '45' AS sweden, '73' AS germany, '92' AS italy, '94' AS new_zealand,
        'fetched on 2020-06-04, when the index was the mean of 11 indicators' AS why_it_differs
    WHERE EXISTS (SELECT 1 FROM vintages)
)

SELECT
    replace(policy_index, '_', ' ') AS policy_index, last_on, regexp_replace(uri, '^.*/', '') AS file, sweden, germany,
    italy, new_zealand, why_it_differs
FROM explained
ORDER BY policy_index, vintage IS NOT NULL, last_on, file, vintage;
