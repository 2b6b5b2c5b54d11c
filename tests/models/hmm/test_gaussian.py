from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from models.hmm import core as hmm
from models.hmm.gaussian import CovarianceFloorWarning, GaussianHMM

MEANS = np.array([[0.0, 0.0], [8.0, -6.0]])


def two_state_walk(n_steps: int = 400, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    states = np.zeros(n_steps, np.int64)
    for t in range(1, n_steps):
        states[t] = states[t - 1] if rng.random() < 0.95 else 1 - states[t - 1]
    return MEANS[states] + rng.normal(size=(n_steps, 2)), states


def ordered(model: GaussianHMM) -> GaussianHMM:
    return model.reordered(np.argsort(model.means_[:, 0]))


def fit_with(X: np.ndarray, **settings: object) -> GaussianHMM:
    given: dict[str, Any] = {"n_iter": 50, "covars_prior": 0.0, "tol": 1e-9, **settings}
    return GaussianHMM(2, **given).fit(X)


@pytest.mark.parametrize("covariance_type", ["spherical", "diag", "full", "tied"])
def test_two_clear_states_are_found(covariance_type: str) -> None:
    X, states = two_state_walk()
    model = ordered(fit_with(X, covariance_type=covariance_type))
    np.testing.assert_allclose(model.means_, MEANS, atol=0.3)  # 200 draws a state: standard error 0.07
    np.testing.assert_array_equal(model.predict(X), states)
    assert np.diag(model.transmat_).min() > 0.85


@pytest.mark.parametrize("covariance_type", ["spherical", "diag", "full", "tied"])
def test_likelihood_never_falls_even_with_holes(covariance_type: str) -> None:
    X, _ = two_state_walk(150)
    rng = np.random.default_rng(1)
    X[rng.random(X.shape) < 0.3] = np.nan
    history = np.array(fit_with(X, covariance_type=covariance_type, n_iter=25).monitor_.history)
    assert len(history) > 5
    assert np.diff(history).min() > -1e-8 * abs(history[0])  # rounding of 150 logarithms


def test_emission_equals_scipy_normal_density() -> None:
    X, _ = two_state_walk(60)
    model = fit_with(X, covariance_type="full")
    by_scipy = np.column_stack([multivariate_normal(model.means_[i], model.covars_[i]).logpdf(X) for i in range(2)])
    np.testing.assert_allclose(model._log_emission(X), by_scipy, rtol=1e-9)


def test_a_missing_column_is_marginalised_not_filled() -> None:
    X, _ = two_state_walk(60)
    model = fit_with(X, covariance_type="full")
    one = X.copy()
    one[:, 1] = np.nan
    by_scipy = np.column_stack(
        [multivariate_normal(model.means_[i, 0], model.covars_[i, 0, 0]).logpdf(X[:, 0]) for i in range(2)]
    )
    np.testing.assert_allclose(model._log_emission(one), by_scipy, rtol=1e-9)


def test_a_row_without_values_takes_no_part() -> None:
    X, _ = two_state_walk(80)
    holes = np.vstack([X[:40], np.full((1, 2), np.nan), X[40:]])
    model = fit_with(holes)
    assert np.isfinite(model.score(holes))
    assert model.predict_proba(holes)[40].sum() == pytest.approx(1.0)


def test_one_em_step_equals_the_formulas_by_hand() -> None:
    X, _ = two_state_walk(50)
    model = GaussianHMM(2, "full", n_iter=1, covars_prior=0.0)
    model._start(X, np.array([50]), None, 0)
    gamma = hmm.posterior(model.startprob_, model.transmat_, model._log_emission(X), np.array([50])).gamma
    model.fit(X)
    for i in range(2):
        mean = (gamma[:, [i]] * X).sum(axis=0) / gamma[:, i].sum()
        np.testing.assert_allclose(model.means_[i], mean, rtol=1e-9)
        spread = sum(gamma[t, i] * np.outer(X[t] - mean, X[t] - mean) for t in range(50)) / gamma[:, i].sum()
        np.testing.assert_allclose(model.covars_[i], spread, rtol=1e-7, atol=1e-9)


def test_the_same_seed_gives_the_same_model() -> None:
    X, _ = two_state_walk()
    np.testing.assert_array_equal(fit_with(X).means_, fit_with(X).means_)


def test_bic_prefers_the_true_number_of_states() -> None:
    X, _ = two_state_walk()
    bic = {n: GaussianHMM(n, "diag", n_iter=30, covars_prior=0.0).fit(X).bic(X) for n in (1, 2, 3)}
    assert min(bic, key=lambda n: bic[n]) == 2


def test_equal_rows_reach_the_floor_and_the_warning_names_the_state() -> None:
    X = np.vstack([np.zeros((20, 1)), np.ones((20, 1))])
    with pytest.warns(CovarianceFloorWarning, match="state 0, 1"):
        GaussianHMM(2, n_iter=5, covars_prior=0.0).fit(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 2)), "at least one"),
        (np.zeros(3), "matrix"),
        (np.zeros((5, 2)), "distinct complete rows"),
        (np.array([[1.0], [np.inf]]), "infinite"),
        (np.array([[1.0, np.nan], [2.0, np.nan]]), "column 1"),
    ],
)
def test_unusable_observations_are_refused_in_a_sentence(X: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianHMM(2).fit(X)


def test_unfitted_model_says_so() -> None:
    with pytest.raises(ValueError, match="call fit first"):
        GaussianHMM(2).predict(np.zeros((3, 1)))


def test_one_observation_and_one_state_work() -> None:
    model = GaussianHMM(1, n_iter=2).fit(np.array([[3.0]]))
    assert model.means_[0, 0] == 3.0
    assert model.predict(np.array([[3.0]])).tolist() == [0]
