-- A published table: an explicit list of immutable files, one a line, relative to the home.
CREATE VIEW {view} AS
SELECT
    {columns}
FROM read_parquet(
    list_transform(string_split({paths}, chr(10)), lambda path: data_root() || '/' || path),
    hive_partitioning = false,
    union_by_name = {is_mixed}
) AS file;
