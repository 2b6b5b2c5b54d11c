-- Every outcome of each table's last validations, newest first; $n_validations of them a table.
SELECT run_id, table_name, expectation, column_name, severity, is_success, n_rows, n_unexpected, observed, validated_at
FROM ops.validations
QUALIFY dense_rank() OVER (PARTITION BY table_name ORDER BY validated_at DESC) <= $n_validations
ORDER BY table_name, validated_at DESC, expectation, column_name;
