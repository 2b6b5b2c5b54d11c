-- Whether the snapshot says which vintages are in force: a row if so, none where it is older than the gate.
SELECT column_name
FROM duckdb_columns()
WHERE schema_name = 'ops' AND table_name = 'vintages' AND column_name = 'is_in_force';
