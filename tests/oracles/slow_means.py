"""Calendar means day by day: for each day look up every day of its window."""

from datetime import date, timedelta


def slow_means(published: dict[date, float | None], *, before: int, after: int) -> dict[date, float | None]:
    """Mean over each day's window; None where the day itself has no value. `published` has the days that have a row."""
    means: dict[date, float | None] = {}
    for day, value in published.items():
        window = [published.get(day + timedelta(days=offset)) for offset in range(-before, after + 1)]
        found = [one for one in window if one is not None]
        means[day] = sum(found) / len(found) if value is not None else None
    return means
