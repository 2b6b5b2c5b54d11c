-- The rows of one declared source, of a table whose rows each belong to a document.
CREATE VIEW {view} AS
SELECT * FROM {rows} WHERE {column} IN (SELECT doc_id FROM documents WHERE source = {source});
