from dataclasses import replace

import numpy as np
import pytest
from support.forecast_panels import FIRST_DAY, ramp, weekly_panel

from models.forecasts.backtest import (
    backtest_days,
    n_calibrating,
    refit_days,
    run_backtest,
    score_backtest,
    score_medians,
    usual_errors,
)
from models.forecasts.settings import ForecastSettings
from models.forecasts.windows import Panel, future_values

SETTINGS = ForecastSettings(
    horizon_days=7, origins=4, calibration_origins=2, days_between_origins=8, training_days=20, smoothed_series=0
)


class Prophet:
    """Says what will come, `error` too much, with quantiles `width` around it."""

    def __init__(self, error: float = 0.0, width: float = 1.0) -> None:
        self.offsets = np.array([error, error - width, error, error + width])

    def forecast(self, panel: Panel, origins: np.ndarray) -> np.ndarray:
        return future_values(panel.grid, origins, 7)[..., None] + self.offsets


def test_origins_leave_room_for_the_horizon_after_and_for_training_before() -> None:
    last = FIRST_DAY + 99
    assert backtest_days(ramp(100), SETTINGS) == tuple(last - 7 - 8 * back for back in (5, 4, 3, 2, 1, 0))
    assert backtest_days(ramp(40), SETTINGS) == (FIRST_DAY + 24, FIRST_DAY + 32)
    assert backtest_days(ramp(27), SETTINGS) == (FIRST_DAY + 19,)
    assert backtest_days(ramp(26), SETTINGS) == ()


@pytest.mark.parametrize(("n_days", "expected"), [(6, 2), (3, 1), (2, 0), (1, 0)])
def test_a_short_history_calibrates_on_the_same_share_of_its_origins(n_days: int, expected: int) -> None:
    assert n_calibrating(n_days, SETTINGS) == expected


def test_weights_are_renewed_after_so_many_origins_and_at_the_end() -> None:
    assert refit_days((10, 18, 26, 34, 42), 60, replace(SETTINGS, origins_between_refits=2)) == (10, 26, 42, 60)
    assert refit_days((60,), 60, SETTINGS) == (60,)


def test_usual_errors_are_differences_to_the_week_before_by_region() -> None:
    grid = ramp(20, 7)
    grid.values[15] = 1000.0
    errors = usual_errors(grid, FIRST_DAY + 14)
    np.testing.assert_array_equal(errors, [[7.0], [np.nan]])


def test_scores_of_one_who_knows_the_future_but_for_a_constant() -> None:
    panel = weekly_panel(120, n_regions=2)
    days = backtest_days(panel.grid, SETTINGS)
    scores = score_backtest(run_backtest(Prophet(error=2.0), panel, days, SETTINGS), panel, SETTINGS)
    np.testing.assert_allclose(scores.ours.mae, 2.0, rtol=1e-5)
    np.testing.assert_allclose(scores.ours.rmse, 2.0, rtol=1e-5)
    np.testing.assert_array_equal(scores.ours.n_values, 2 * 4)
    np.testing.assert_allclose(scores.skill, 1 - 2.0 / scores.baselines["seasonal_naive"].mae, rtol=1e-5)
    np.testing.assert_array_equal(scores.uncalibrated.coverage, 0.0)  # two above, with a width of one
    np.testing.assert_array_equal(scores.intervals.coverage, 1.0)  # and calibrated so that the truth lies on the bound
    assert score_medians(run_backtest(Prophet(), panel, days, SETTINGS), panel, SETTINGS) == pytest.approx(
        np.ones((7, 1))
    )
    assert scores.smoothing is None


def test_beside_exponential_smoothing_the_same_days_count() -> None:
    panel = weekly_panel(120, n_regions=1)
    settings = replace(SETTINGS, smoothed_series=2, past_days=28)
    days = backtest_days(panel.grid, settings)
    smoothing = score_backtest(run_backtest(Prophet(error=1.0), panel, days, settings), panel, settings).smoothing
    assert smoothing is not None
    np.testing.assert_allclose(smoothing.ours, 1.0, rtol=1e-4)  # float32
    assert (smoothing.n_series, (smoothing.theirs > 0).all()) == (2, True)
