import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss

from models.labels.scores import confusion, macro_f1, score_labels, wilson_interval


def test_scores_worked_by_hand():
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [0.25, 0.75], [0.0, 1.0]])
    scores = score_labels(truth, probabilities)
    assert scores.confusion.tolist() == [[1, 1], [0, 2]]
    assert (scores.n, scores.accuracy.value) == (4, 0.75)
    assert scores.macro_f1.value == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores.log_loss.value == pytest.approx(-np.log([0.5, 0.25, 0.75, 1.0]).mean())


def test_wilsons_interval_is_that_of_the_literature():
    # Newcombe 1998, table I: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263).low == pytest.approx(0.2553, abs=5e-5)
    assert wilson_interval(81, 263).high == pytest.approx(0.3662, abs=5e-5)
    assert wilson_interval(0, 20).low == 0.0
    assert wilson_interval(0, 20).high == pytest.approx(0.1611, abs=5e-5)
    assert all(wilson_interval(n, n).high == 1.0 and wilson_interval(0, n).low == 0.0 for n in range(1, 100))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(1, 30), st.integers(0, 999))
def test_scores_are_scikit_learns_and_lie_in_their_intervals(n_labels, n, seed):
    draws = np.random.default_rng(seed)
    truth, probabilities = draws.integers(n_labels, size=n), draws.dirichlet(np.ones(n_labels), n)
    scores = score_labels(truth, probabilities)
    predicted = probabilities.argmax(axis=1)
    assert scores.macro_f1.value == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert scores.log_loss.value == pytest.approx(log_loss(truth, probabilities, labels=range(n_labels)))
    assert scores.accuracy.value == np.mean(truth == predicted)
    for interval in (scores.accuracy, scores.log_loss):
        assert interval.low <= interval.value + 1e-12
        assert interval.value <= interval.high + 1e-12


def test_bootstrap_intervals_are_as_wide_as_theory_says_and_shrink_with_the_root_of_n():
    draws = np.random.default_rng(4)
    truth = draws.integers(2, size=4000)
    sure = draws.uniform(0.1, 0.9, 4000)
    probabilities = np.where(truth[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    scores = score_labels(truth, probabilities)
    error = np.log(sure).std() / np.sqrt(4000)
    # A thousand resamples.
    assert scores.log_loss.high - scores.log_loss.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    # Two labels as frequent as each other, errors as well: macro F1 is then nearly the accuracy, and so is its
    # interval.
    assert scores.macro_f1.high - scores.macro_f1.low == pytest.approx(
        scores.accuracy.high - scores.accuracy.low, rel=0.15
    )
    assert score_labels(truth, probabilities).log_loss == scores.log_loss


def test_labels_that_never_occur_do_not_lower_f1_and_wrong_ones_do():
    assert macro_f1(confusion(np.array([0, 1]), np.array([0, 1]), 5)) == 1.0
    assert macro_f1(confusion(np.array([0, 0]), np.array([0, 3]), 5)) == pytest.approx((2 / 3) / 2)


def test_certainty_that_errs_costs_much_and_stays_finite():
    scores = score_labels(np.array([1]), np.array([[1.0, 0.0]]))
    assert scores.log_loss.value == pytest.approx(-np.log(1e-12))
    assert scores.accuracy.value == scores.macro_f1.value == 0.0


def test_no_document_is_an_error():
    with pytest.raises(ValueError, match="no document"):
        score_labels(np.array([], np.int64), np.empty((0, 2)))
