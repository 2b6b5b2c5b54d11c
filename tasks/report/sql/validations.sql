-- The newest outcome of every expectation, counted by table.
WITH newest AS (
    SELECT *
    FROM ops.validations
    QUALIFY row_number() OVER (PARTITION BY table_name, expectation, column_name ORDER BY validated_at DESC) = 1
)

SELECT
    table_name,
    count(*) AS n_expectations,
    count(*) FILTER (NOT is_success) AS n_failed,
    count(*) FILTER (NOT is_success AND severity = 'critical') AS n_critical,
    max(validated_at) AS validated_at
FROM newest
GROUP BY table_name
ORDER BY table_name;
