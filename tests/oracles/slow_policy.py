"""Policy files merged in a dictionary, a value at a time, and joined with mobility by a loop over all days."""

INDICES = ("containment_health_index", "stringency_index", "government_response_index", "economic_support_index")


def slow_policy(files):
    """{(region, day): (four indices, vintage, the four indices' vintages)} and the number of values replaced.

    `files`, oldest first: (vintage, {(region, day): {index: value}}).
    """
    cells, n_replaced = {}, 0
    for rank, (vintage, rows) in enumerate(files):
        for (region, day), values in rows.items():
            for index, value in values.items():
                n_replaced += (region, day, index) in cells
                cells[region, day, index] = value, rank, vintage
    merged = {}
    for region, day in {key[:2] for key in cells}:
        found = [cells.get((region, day, index)) for index in INDICES]
        vintage = max((cell[1:] for cell in found if cell), key=lambda one: one[0])[1]
        values, vintages = (tuple(cell[part] if cell else None for cell in found) for part in (0, 2))
        merged[region, day] = (values, vintage, vintages)
    return merged, n_replaced


def slow_join(mobility, policy):
    """{(country, day): six values and four indices}; either side may be missing."""
    return {key: (*mobility.get(key, [None] * 6), *policy.get(key, [None] * 4)) for key in {*mobility, *policy}}
