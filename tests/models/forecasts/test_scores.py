import numpy as np
import pytest

from models.forecasts.scores import pinball_loss, score_intervals, score_points, skill

TRUTH = np.array([[[1.0], [np.nan]], [[5.0], [np.nan]], [[9.0], [np.nan]]])
COUNTED = np.array([[[True], [False]], [[True], [False]], [[False], [False]]])


def test_points_by_hand() -> None:
    scores = score_points(TRUTH, TRUTH + 2.0, TRUTH + 3.0, np.array([[4.0], [np.nan], [1.0]]), COUNTED)
    assert (scores.mae[0, 0], scores.rmse[0, 0], scores.mase[0, 0]) == (2.0, 3.0, 0.5)
    np.testing.assert_array_equal(scores.n_values[:, 0], [2, 0])
    assert np.isnan([scores.mae[1, 0], scores.rmse[1, 0], scores.mase[1, 0]]).all()


def test_intervals_by_hand() -> None:
    predicted = np.stack([TRUTH, np.full_like(TRUTH, 0.0), TRUTH, np.full_like(TRUTH, 4.0)], axis=-1)
    scores = score_intervals(TRUTH, predicted, COUNTED)
    assert (scores.coverage[0, 0], scores.width[0, 0]) == (0.5, 4.0)
    # Below: 0.1 * 1 and 0.1 * 5; at the median: 0; above: 0.1 * 3 and 0.9 * 1. Means 0.3, 0, 0.6.
    assert scores.pinball[0, 0] == pytest.approx(0.3)


def test_pinball_loss_is_least_at_its_quantile() -> None:
    truth = np.arange(1000.0)
    losses = [pinball_loss(truth, np.full(1000, predicted), 0.9).mean() for predicted in (800.0, 900.0, 990.0)]
    assert losses[1] == min(losses)


def test_skill_is_zero_for_the_baseline_itself_and_negative_below_it() -> None:
    np.testing.assert_array_equal(skill(np.array([2.0, 3.0, 1.0]), np.array([2.0, 2.0, 0.0])), [0.0, -0.5, np.nan])
