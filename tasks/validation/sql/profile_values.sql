-- The different values of one column, in order; one more than may be listed tells that there are too many.
SELECT DISTINCT {column} AS value FROM file WHERE {column} IS NOT NULL ORDER BY value LIMIT {most}
