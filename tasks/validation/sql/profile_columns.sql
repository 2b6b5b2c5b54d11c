-- Of every column its type, rows given and NULL, bounds, quartiles, and about how many different values it has.
SUMMARIZE SELECT * FROM file
