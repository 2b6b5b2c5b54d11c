"""A series taken apart day by day, as one would with pencil and paper: no grid, every day and week looked up."""

from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from statistics import median


def slow_adjustment(
    values: dict[date, float | None], holidays: AbstractSet[date]
) -> dict[date, tuple[float, float, float] | None]:
    """Weekday effect, holiday effect and what remains of each day; None where it is not published or cannot be told."""
    ordinary = {day: value for day, value in values.items() if value is not None and day not in holidays}

    def around(series: dict[date, float], day: date, reach: int, least: int) -> float | None:
        days = [day + timedelta(days=n) for n in range(-reach, reach + 1)]
        found = [series[one] for one in days if one in series]
        return sum(found) / len(found) if len(found) >= least else None

    levels = {day: around(ordinary, day, 3, 5) for day in ordinary}
    deviations = {day: ordinary[day] - level for day, level in levels.items() if level is not None}

    def weekday_effect(day: date) -> float | None:
        weeks = [day + timedelta(weeks=n) for n in (-4, -3, -2, -1, 1, 2, 3, 4)]
        found = [deviations[one] for one in weeks if one in deviations]
        return round(median(found) * 64) / 64 if len(found) >= 3 else None

    effects = {day: weekday_effect(day) for day in values}
    rest = {day: value - effects[day] for day, value in ordinary.items() if effects[day] is not None}
    parts: dict[date, tuple[float, float, float] | None] = {}
    for day, value in values.items():
        effect, expected = effects[day], around(rest, day, 6, 4)
        if value is None or effect is None or (day in holidays and expected is None):
            parts[day] = None
        else:
            holiday = round((value - effect - expected) * 64) / 64 if day in holidays else 0.0
            parts[day] = (effect, holiday, value - effect - holiday)
    return parts
