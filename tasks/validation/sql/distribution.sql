-- Groups whose median moved further than some spreads since the last snapshot, or whose spread changed some times over.
-- The spread is the range of the middle half over 1.349, as of a normal distribution the standard deviation; where it is
-- nothing, a hundredth of the median's size, for values that hardly ever change.
WITH now AS (
    SELECT {by}, quantile_cont({column}, [0.25, 0.5, 0.75]) AS q FROM {batch}
    WHERE {column} IS NOT NULL GROUP BY {group} HAVING count(*) >= {least_values}
), past AS (
    SELECT {by}, quantile_cont({column}, [0.25, 0.5, 0.75]) AS q FROM {before}
    WHERE {column} IS NOT NULL GROUP BY {group} HAVING count(*) >= {least_values}
), compared AS (
    SELECT {by_now}, past.q[2] AS median_before, now.q[2] AS median_now,
        greatest((past.q[3] - past.q[1]) / 1.349, abs(past.q[2]) / 100, 1e-9) AS spread_before,
        greatest((now.q[3] - now.q[1]) / 1.349, abs(now.q[2]) / 100, 1e-9) AS spread_now
    FROM now JOIN past ON {same_group}
)
SELECT * FROM compared
WHERE NOT abs(median_now - median_before) <= {most_spreads} * spread_before
    OR NOT greatest(spread_now / spread_before, spread_before / spread_now) <= {most_ratio}
