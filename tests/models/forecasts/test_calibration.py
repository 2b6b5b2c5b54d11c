import numpy as np
import pytest

from models.forecasts.calibration import Calibration, calibrate_as_time_passes


def forecasts_of(shape: tuple[int, ...], width: float = 1.0) -> np.ndarray:
    return np.stack([np.zeros(shape), np.full(shape, -width), np.zeros(shape), np.full(shape, width)], axis=-1)


def test_intervals_that_are_too_narrow_are_widened_until_they_hold() -> None:
    rng = np.random.default_rng(2)
    held_out, later = rng.normal(0, 10, (2, 4000, 2, 1))
    calibrated = Calibration.fit(held_out, forecasts_of(held_out.shape)).apply(forecasts_of(later.shape))
    inside = (calibrated[..., 1] <= later) & (later <= calibrated[..., 3])
    assert inside.mean() == pytest.approx(0.8, abs=0.02)  # 8,000 draws: three standard errors
    assert calibrated[0, 0, 0, 3] == pytest.approx(12.8, abs=0.7)  # the normal's 90 % quantile, 1.28 deviations


def test_each_side_category_and_horizon_has_its_own_factor() -> None:
    truth = np.full((100, 2, 2), 2.0)
    truth[:, 1, 1] = -3.0
    factors = Calibration.fit(truth, forecasts_of(truth.shape)).factors
    np.testing.assert_array_equal(factors[0, 0], [1.0, 2.0])
    np.testing.assert_array_equal(factors[1, 1], [3.0, 1.0])


def test_calm_days_do_not_narrow_an_interval() -> None:
    truth = np.full((100, 1, 1), 0.1)
    predicted = forecasts_of(truth.shape)
    np.testing.assert_array_equal(Calibration.fit(truth, predicted).apply(predicted), predicted)


def test_few_truths_borrow_from_the_category_and_none_leave_the_interval() -> None:
    truth = np.full((60, 2, 2), 2.0)
    truth[1:, 1] = np.nan
    truth[:, :, 1] = np.nan
    calibration = Calibration.fit(truth, forecasts_of(truth.shape))
    np.testing.assert_array_equal(calibration.n_values, [[60, 0], [61, 0]])
    np.testing.assert_array_equal(calibration.factors[:, 0, 1], 2.0)
    np.testing.assert_array_equal(calibration.factors[:, 1], 1.0)


def test_the_mean_stays_inside_the_interval() -> None:
    predicted = np.array([[[[9.0, -1.0, 0.0, 1.0]]]])
    np.testing.assert_array_equal(Calibration.none(1, 1).apply(predicted)[0, 0, 0], [1.0, -1.0, 0.0, 1.0])


def test_an_origin_is_calibrated_by_what_had_come_by_then_alone() -> None:
    days, shape = (0, 8, 16), (60, 10, 1)
    truths = [np.full(shape, value) for value in (2.0, 3.0, 4.0)]
    predicted = [forecasts_of(shape) for _ in days]
    _, last = calibrate_as_time_passes(truths, predicted, days, first=1)
    changed = [truth.copy() for truth in truths]
    changed[1][:, 8:] = 1e6  # days 9 and 10 after the second origin lie after the third
    changed[2][:] = 1e6
    np.testing.assert_array_equal(calibrate_as_time_passes(changed, predicted, days, first=1)[1], last)
    changed[1][:, 7] = 1e6  # the eighth is the third origin's own day
    assert not np.array_equal(calibrate_as_time_passes(changed, predicted, days, first=1)[1], last)
