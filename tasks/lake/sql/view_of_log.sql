-- A log of events: its archives, one a line, and whatever lies by now in the volume that was open at publishing, and
-- in the next. The home's own * and [ are made literal, because these paths are patterns.
CREATE VIEW {view} AS
SELECT
    {columns}
FROM read_parquet(
    list_transform(
        string_split({paths}, chr(10)),
        lambda path: regexp_replace(data_root(), '([*[])', '[\1]', 'g') || '/' || path
    ),
    hive_partitioning = false,
    union_by_name = true
) AS file;
