import numpy as np
import pytest

from models.forecast_scores import score_by_horizon, skill


def test_errors_and_coverage_by_hand() -> None:
    truth = np.array([[[1.0], [np.nan]], [[5.0], [np.nan]]])
    mean = np.array([[[2.0], [0.0]], [[9.0], [0.0]]])
    forecast = np.stack([mean, mean - 1, mean + 1], axis=-1)
    scores = score_by_horizon(truth, forecast, np.array([[[4.0], [0.0]], [[np.nan], [0.0]]]))
    assert (scores.mae[0], scores.naive_mae[0], scores.coverage[0]) == (1.0, 3.0, 1.0)
    np.testing.assert_array_equal(scores.n_days, [1, 0])
    assert np.isnan([scores.mae[1], scores.naive_mae[1], scores.coverage[1]]).all()


def test_skill_is_zero_for_the_baseline_itself_and_negative_below_it() -> None:
    assert skill(2.0, 2.0) == 0.0
    assert skill(3.0, 2.0) == pytest.approx(-0.5)
    assert np.isnan(skill(1.0, 0.0))
