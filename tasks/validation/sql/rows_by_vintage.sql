-- The rows of one declared source, of a table that tells the vintage of each.
CREATE VIEW {view} AS
SELECT * FROM {rows} WHERE vintage IN (SELECT vintage FROM ops.vintages WHERE source = {source});
