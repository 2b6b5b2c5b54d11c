"""A new forecaster beside the champion: what each gains over the seasonal naive forecast on the same past days."""

from __future__ import annotations

from expectations.contracts.mobility import CATEGORIES
from tasks.forecasts.data import ForecastData, read_forecaster, read_panel
from tasks.lake.layout import Lake, LakeError
from tasks.learning.champions import Comparison, Contest, NotComparableError


def compare(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Skill of both over the seasonal naive forecast by category, mean over the horizons, on the same past days of
    today's data.

    Each forecasts from a day with weights that end on or before it. NotComparableError where the champion is of another
    form or horizon.
    """
    from models.forecasts.backtest import backtest_days, n_calibrating, run_backtest, score_medians  # noqa: PLC0415

    data: ForecastData = contest.payload
    settings = data.settings
    try:
        both = new, champion = tuple(read_forecaster(lake, model_id)[0] for model_id in (new_id, present_id))
    except (KeyError, TypeError, ValueError, RuntimeError, FileNotFoundError, LakeError) as error:
        raise NotComparableError(f"the champion {present_id} is of a form that this code does not know") from error
    panel, _ = read_panel(lake, data)
    if panel is None or new.shape.horizon != champion.shape.horizon or champion.shape.n_categories != len(CATEGORIES):
        raise NotComparableError(f"the champion {present_id} forecasts other days")
    days = backtest_days(panel.grid, settings)
    earliest = max(one.dated[0].last_day for one in both)
    scored = [day for day in days[n_calibrating(len(days), settings) :] if day >= earliest]
    if not scored:
        raise NotComparableError(f"the champion {present_id} has no weights that end before the days to compare on")
    skills = [
        score_medians(run_backtest(one, panel, scored, settings), panel, settings).mean(axis=0).tolist() for one in both
    ]
    return [Comparison("skill", *values) for values in zip(CATEGORIES, *skills, strict=True)]
