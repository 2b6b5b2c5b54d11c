-- The rows of one declared source, of a table that names it.
CREATE VIEW {view} AS SELECT * FROM {rows} WHERE source = {source};
