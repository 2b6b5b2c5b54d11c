-- How many of the given Parquet files have each column; the parts of nested columns are counted under their own names,
-- and passed over.
SELECT name, count(DISTINCT file_name) AS n_files
FROM parquet_schema(?)
GROUP BY name;
