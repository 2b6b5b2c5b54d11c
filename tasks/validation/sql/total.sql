-- Keys of the rows of every group whose values do not add up to what they should; NULL counts as nothing.
SELECT {key}
FROM {batch}
QUALIFY NOT coalesce(abs(sum({column}) OVER (PARTITION BY {by}) - {whole}) <= {tolerance}, true)
