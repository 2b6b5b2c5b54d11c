"""What became of the cells of a fetch in the next one, cell by cell: the slow and obvious twin of `gate_history`."""

from collections import Counter
from collections.abc import Mapping

Cells = Mapping[tuple[str, int], tuple[float | None, ...]]
Place = tuple[str, int]


def slow_counts(
    old: Cells, new: Cells, *, n_preliminary_days: int, rounding: float
) -> tuple[dict[str, Counter[Place]], Counter[Place]]:
    """By country and column: the number of cells of each sort, and the sum of all revisions."""
    counts = {name: Counter() for name in ("was", "gone", "both", "moved", "gap", "filled")}
    size: Counter[Place] = Counter()
    present = {region for region, _ in new}
    last: dict[str, int] = {}
    for region, day in old:
        country = region.split("/")[0]
        last[country] = max(day, last.get(country, day))
    for (region, day), values in old.items():
        country = region.split("/")[0]
        later = new.get((region, day))
        for column, before in enumerate(values):
            place, now = (country, column), None if later is None else later[column]
            if before is not None and day <= last[country] - n_preliminary_days and region in present:
                counts["was"][place] += 1
                counts["gone"][place] += now is None
            if before is not None and now is not None:
                counts["both"][place] += 1
                counts["moved"][place] += abs(now - before) > rounding
                size[place] += abs(now - before)
            if before is None and later is not None:
                counts["gap"][place] += 1
                counts["filled"][place] += now is not None
    return counts, size
