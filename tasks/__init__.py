"""The shell: a room for every subject, which meets disk, network, Prefect, DuckDB and Great Expectations; for the flows."""
