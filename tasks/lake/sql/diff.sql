-- Rows of one table by key: how many are only in the later snapshot, only in the earlier one, or in both and not the
-- same. $earlier and $later are the files that only that snapshot has; rows in files that both have are the same.
WITH earlier AS (
    SELECT {columns} FROM read_parquet($earlier, hive_partitioning = false)
),
later AS (
    SELECT {columns} FROM read_parquet($later, hive_partitioning = false)
)
SELECT
    count(*) FILTER (e.{first_key} IS NULL) AS n_rows_added,
    count(*) FILTER (l.{first_key} IS NULL) AS n_rows_removed,
    count(*) FILTER (e.{first_key} IS NOT NULL AND l.{first_key} IS NOT NULL AND e IS DISTINCT FROM l) AS n_rows_changed
FROM earlier AS e
FULL JOIN later AS l USING ({key});
