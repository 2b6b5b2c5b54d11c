-- Keys of rows whose columns together stand in no row of another table; rows that give one as NULL are left alone.
SELECT {key}
FROM {batch} AS own
WHERE ({when}) AND {given} AND NOT EXISTS (SELECT 1 FROM {other} AS other WHERE {equal})
