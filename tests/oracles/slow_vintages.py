"""Several reports merged in a dictionary: later ones overwrite earlier ones, key by key. Regions are names alone."""

from oracles.slow_means import slow_means

CATEGORIES = ("retail_and_recreation", "grocery_and_pharmacy", "parks", "transit_stations", "workplaces", "residential")


def slow_long_rows(reports):
    """Rows (names, day, category, value, centred, trailing, vintage) sorted by key, and the number of values replaced
    and revised.

    `reports`, oldest first, are (vintage, {(names, day): six values}).
    """
    kept, n_replaced, n_revised = {}, 0, 0
    for vintage, rows in reports:
        for key, values in rows.items():
            kept.setdefault(key, []).append((vintage, values))
    for versions in kept.values():
        for _, values in versions[:-1]:
            n_replaced += 6
            n_revised += sum(old != new for old, new in zip(values, versions[-1][1], strict=True))
    long_rows = []
    for names in {names for names, _ in kept}:
        days = {day: versions[-1] for (one, day), versions in kept.items() if one == names}
        for place, category in enumerate(CATEGORIES):
            series = {day: values[place] for day, (_, values) in days.items()}
            centred, trailing = slow_means(series, before=6, after=6), slow_means(series, before=6, after=0)
            long_rows += [
                (names, day, category, series[day], centred[day], trailing[day], days[day][0]) for day in days
            ]
    return sorted(long_rows, key=lambda row: row[:3]), n_replaced, n_revised
