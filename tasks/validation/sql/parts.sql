-- Keys of rows whose parts do not add up to their whole; rows that give one as NULL are left alone.
SELECT {key}
FROM {batch}
WHERE NOT abs({sum} - {whole}) <= {tolerance}
