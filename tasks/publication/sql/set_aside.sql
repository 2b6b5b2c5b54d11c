-- What the present snapshot has set aside, by source, table and rule, most rows first; one place of each as an example.
SELECT source, table_name, rule, count(*) AS n_rows, count(DISTINCT split_part(uri, '#', 1)) AS n_files, min(uri) AS uri,
    min(CASE WHEN starts_with(message, uri || ': ') THEN substr(message, length(uri) + 3) ELSE message END) AS message
FROM ops.quarantine
GROUP BY source, table_name, rule
ORDER BY n_rows DESC, source, table_name, rule;
