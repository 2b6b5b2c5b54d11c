"""The shell: a room for every subject; it meets disk, network, Prefect, DuckDB and Great Expectations; for flows."""
