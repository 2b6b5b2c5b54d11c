-- Rows in quarantine, by table and rule, with one example each.
SELECT table_name, rule, count(*) AS n_rows, min(message) AS what_to_do, min(uri) AS example_uri
FROM ops.quarantine
GROUP BY table_name, rule
ORDER BY n_rows DESC, table_name, rule;
