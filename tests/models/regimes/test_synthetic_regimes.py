"""Regimes found in synthetic days are the regimes that made them."""

import numpy as np
import pytest
from support.synthetic_tables import (
    CATEGORIES,
    GERMANY,
    ITALY,
    NEW_ZEALAND,
    SWEDEN,
    mobility_days,
    regime_of,
    stringency_on,
)

from models.regimes.regimes import FOUR_CATEGORIES, RegimeSettings, fit_regimes, rank_agreement
from models.series.daily_grid import daily_grid

COUNTRIES = (GERMANY, ITALY, NEW_ZEALAND, SWEDEN)
LEARNT_FROM = [CATEGORIES.index(name) for name in FOUR_CATEGORIES]
N = len(LEARNT_FROM)


@pytest.fixture(scope="module")
def national():
    """The national days of four countries: their grid, and each day's stringency, in the grid's order."""
    rows = [
        (number, day.toordinal() - 719_163, [np.nan if change[k] is None else change[k] for k in LEARNT_FROM], rules)
        for number, country in enumerate(COUNTRIES)
        for day, change in mobility_days(country, country.regions[0])
        for rules in [stringency_on(country, day)]
    ]
    region, day, values, stringency = (np.array(column) for column in zip(*rows, strict=True))
    grid = daily_grid(np.repeat(region, N), np.repeat(day, N), np.tile(np.arange(N), len(rows)), values.ravel(), N)
    return grid, stringency


def test_expected_level_rises_with_the_stringency_that_was_put_in(national) -> None:
    grid, stringency = national
    agreement = rank_agreement(fit_regimes(grid, RegimeSettings()).reading.expected_level, stringency)
    assert agreement is not None
    assert agreement > 0.8  # .868 here; weekends, days off and the first days of each regime are between two levels


def test_three_states_are_the_three_regimes_that_were_put_in(national) -> None:
    grid, stringency = national
    fit = fit_regimes(grid, RegimeSettings(n_states=3))
    regime = np.array([["baseline", "partial", "lockdown"].index(regime_of(rules)) for rules in stringency])
    assert (fit.reading.state == regime).mean() > 0.95  # .977 here: the level follows a change within about a week
