-- Whether two rows share a key, by its digest; nothing is found where all keys differ.
SELECT true FROM file GROUP BY hash({key}) HAVING count(*) > 1 LIMIT 1
