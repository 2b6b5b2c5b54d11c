-- The tables that the warehouse has.
SELECT CASE schema_name WHEN 'main' THEN view_name ELSE schema_name || '.' || view_name END AS name
FROM duckdb_views()
WHERE NOT internal;
