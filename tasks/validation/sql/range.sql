-- Keys of rows whose value lies outside of its bounds, which may be other columns; NULL on either side is left alone.
SELECT {key}
FROM {batch}
WHERE ({when}) AND NOT ({bounds})
