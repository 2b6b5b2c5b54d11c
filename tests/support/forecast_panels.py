"""Small panels for the tests of forecasts."""

from collections.abc import Sequence

import numpy as np

from models.forecasts.windows import Panel
from models.series.daily_grid import DailyGrid, daily_grid
from models.series.holiday_calendar import HolidayCalendar

FIRST_DAY = 18_310


def ramp(*lengths: int) -> DailyGrid:
    """Regions whose value on their n-th day is 100 * region + n, one column."""
    region = np.repeat(np.arange(len(lengths)), lengths)
    day = np.concatenate([np.arange(length) for length in lengths])
    return daily_grid(region, day + FIRST_DAY, np.zeros(len(day), np.int64), region * 100.0 + day, 1)


def panel_of(grid: DailyGrid, policy: np.ndarray | None = None, holidays: Sequence[int] = ()) -> Panel:
    """The panel of a grid, its regions called `XX/0`, `XX/1`...; every region has the `holidays` (days); no policy
    unless given.
    """
    is_holiday = np.zeros((len(grid.lengths), 1000), np.bool_)
    is_holiday[:, [day - (FIRST_DAY - 100) for day in holidays]] = True
    index = np.full(len(grid.day), np.nan) if policy is None else policy
    return Panel(
        grid, index, HolidayCalendar(FIRST_DAY - 100, is_holiday), tuple(f"XX/{n}" for n in range(len(grid.lengths)))
    )


def flat_panel(grid: DailyGrid, seed: int) -> Panel:
    """`grid` with noise and gaps, and a policy index with gaps."""
    rng = np.random.default_rng(seed)
    grid.values[:] += rng.normal(0, 5, grid.values.shape)
    grid.values[rng.random(grid.values.shape) < 0.2] = np.nan
    policy = rng.uniform(0, 100, len(grid.day))
    policy[rng.random(len(policy)) < 0.2] = np.nan
    return panel_of(grid, policy)


def weekly_panel(n_days: int = 260, n_regions: int = 2, seed: int = 4) -> Panel:
    """Regions pulled back to a level that depends on the weekday: naive repeats the last week's noise, a learner need
    not.
    """
    rng = np.random.default_rng(seed)
    day = np.tile(np.arange(FIRST_DAY, FIRST_DAY + n_days), n_regions)
    region = np.repeat(np.arange(n_regions), n_days)
    value = 20.0 * (day % 7 == 2) + rng.normal(0, 5, len(day))
    return panel_of(daily_grid(region, day, np.zeros(len(day), np.int64), value, 1))
