"""Beside hmmlearn 0.3.3: the same start gives the same numbers."""

import logging

import numpy as np
import pytest
from hmmlearn import hmm as hmmlearn

from models.hmm import surface as hmm

TOLERANCE = 1e-8  # the issue's: hmmlearn adds logarithms, we scale
LENGTHS = [40, 1, 73, 26]
N_STEPS = sum(LENGTHS)
PI, A = np.array([0.6, 0.3, 0.1]), np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.05, 0.15, 0.8]])
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


def pair(name: str, parameters: dict[str, np.ndarray], letters: str, **settings: object):
    models = []
    for module in (hmm, hmmlearn):
        model = getattr(module, name)(n_components=3, params=letters, init_params="", n_iter=7, tol=1e-9, **settings)
        model.startprob_, model.transmat_ = PI.copy(), A.copy()
        for attribute, value in parameters.items():
            setattr(model, attribute, value.copy())
        models.append(model)
    return models


def assert_alike(ours, theirs, X: np.ndarray, names: tuple[str, ...]) -> None:
    assert ours.score(X, LENGTHS) == pytest.approx(theirs.score(X, LENGTHS), rel=TOLERANCE)
    ours.fit(X, LENGTHS)
    theirs.fit(X, LENGTHS)
    np.testing.assert_allclose(list(ours.monitor_.history), list(theirs.monitor_.history), rtol=TOLERANCE)
    for name in ("startprob_", "transmat_", *names):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-7, atol=TOLERANCE, err_msg=name)
    np.testing.assert_allclose(ours.predict_proba(X, LENGTHS), theirs.predict_proba(X, LENGTHS), atol=TOLERANCE)
    for algorithm in ("viterbi", "map"):
        value, states = ours.decode(X, LENGTHS, algorithm)
        their_value, their_states = theirs.decode(X, LENGTHS, algorithm)
        assert value == pytest.approx(their_value, rel=TOLERANCE)
        np.testing.assert_array_equal(states, their_states)
    np.testing.assert_allclose(ours.get_stationary_distribution(), theirs.get_stationary_distribution(), atol=TOLERANCE)
    assert ours.aic(X, LENGTHS) == pytest.approx(theirs.aic(X, LENGTHS), rel=TOLERANCE)
    assert ours.bic(X, LENGTHS) == pytest.approx(theirs.bic(X, LENGTHS), rel=TOLERANCE)


def assert_draws_alike(ours, theirs) -> None:
    drawn, their_drawn = (model.sample(50, random_state=np.random.RandomState(3)) for model in (ours, theirs))
    np.testing.assert_array_equal(drawn[1], their_drawn[1])
    np.testing.assert_allclose(drawn[0], their_drawn[0], rtol=1e-6)  # singular vectors of nearly equal covariances


@pytest.mark.parametrize("priors", [{}, {"emissionprob_prior": 1.5, "transmat_prior": 2.0, "startprob_prior": 1.2}])
@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_categorical(implementation: str, priors: dict[str, float]) -> None:
    rng = np.random.default_rng(1)
    X = rng.integers(0, 5, (N_STEPS, 1))
    ours, theirs = pair(
        "CategoricalHMM",
        {"emissionprob_": rng.dirichlet(np.ones(5), 3)},
        "ste",
        implementation=implementation,
        **priors,
    )
    assert_alike(ours, theirs, X, ("emissionprob_",))
    assert_draws_alike(ours, theirs)


@pytest.mark.parametrize(
    "priors", [{}, {"means_prior": 1.0, "means_weight": 2.0, "covars_prior": 0.3, "covars_weight": 5.0}]
)
@pytest.mark.parametrize("covariance_type", ["spherical", "diag", "full", "tied"])
def test_gaussian(covariance_type: str, priors: dict[str, float]) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(0, 1, (N_STEPS, 2)) + 3 * rng.integers(0, 3, (N_STEPS, 1)) + 100.0
    covars = {
        "spherical": np.array([[2.0, 2.0]] * 3),
        "diag": np.full((3, 2), 2.0),
        "full": np.array([[[2.0, 0.3], [0.3, 1.0]]] * 3),
    }
    covars["tied"] = covars["full"][0]
    means = np.array([[100.0, 100.0], [103.0, 103.0], [106.0, 106.0]])
    start = {"means_": means, "covars_": covars[covariance_type]}
    ours, theirs = pair("GaussianHMM", start, "stmc", covariance_type=covariance_type, **priors)
    theirs.n_features = 2
    # hmmlearn reads spherical covariances back in a wrong shape: its inner attribute is looked at.
    names = ("means_",) if covariance_type == "spherical" else ("means_", "covars_")
    assert_alike(ours, theirs, X, names)
    if covariance_type == "spherical":
        np.testing.assert_allclose(ours.covars_[:, 0, 0], theirs._covars_[:, 0], rtol=1e-7)
    else:
        assert_draws_alike(ours, theirs)


@pytest.mark.parametrize("covariance_type", ["spherical", "diag", "full", "tied"])
def test_mixture(covariance_type: str) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(0, 1, (N_STEPS, 2)) + 3 * rng.integers(0, 6, (N_STEPS, 1))
    full = np.array([[2.0, 0.3], [0.3, 1.0]])
    covars = {
        "spherical": np.full((3, 2), 2.0),
        "diag": np.full((3, 2, 2), 2.0),
        "full": np.tile(full, (3, 2, 1, 1)),
        "tied": np.tile(full, (3, 1, 1)),
    }
    means = rng.normal(0, 1, (3, 2, 2)) + 3 * np.arange(6).reshape(3, 2, 1)
    start = {"weights_": np.array([[0.4, 0.6]] * 3), "means_": means, "covars_": covars[covariance_type]}
    ours, theirs = pair("GMMHMM", start, "stmcw", covariance_type=covariance_type, n_mix=2)
    theirs.n_features = 2
    theirs._get_n_fit_scalars_per_param = lambda: {
        "s": ours._n_free_parameters(),
        **dict.fromkeys("tmcw", 0),
    }  # hmmlearn counts the weights of one state only
    assert_alike(ours, theirs, X, ("weights_", "means_", "covars_"))


def test_poisson() -> None:
    rng = np.random.default_rng(4)
    X = rng.poisson(4, (N_STEPS, 2)) + 5 * rng.integers(0, 3, (N_STEPS, 1))
    ours, theirs = pair("PoissonHMM", {"lambdas_": np.array([[2.0, 3.0], [8.0, 7.0], [12.0, 15.0]])}, "stl")
    assert_alike(ours, theirs, X, ("lambdas_",))
    assert_draws_alike(ours, theirs)


def test_multinomial() -> None:
    rng = np.random.default_rng(5)
    X = rng.multinomial(6, [0.2, 0.3, 0.5], N_STEPS)
    ours, theirs = pair("MultinomialHMM", {"emissionprob_": rng.dirichlet(np.ones(3), 3)}, "ste", n_trials=6)
    assert_alike(ours, theirs, X, ("emissionprob_",))
    assert_draws_alike(ours, theirs)


@pytest.mark.parametrize("name", ["CategoricalHMM", "GaussianHMM", "PoissonHMM"])
def test_a_seed_gives_hmmlearns_own_start(name: str) -> None:
    X = np.random.default_rng(6).integers(0, 5, (200, 1))
    X = X.astype(float) if name == "GaussianHMM" else X
    ours, theirs = (
        getattr(module, name)(n_components=2, n_iter=20, tol=1e-9, random_state=7).fit(X) for module in (hmm, hmmlearn)
    )
    np.testing.assert_allclose(list(ours.monitor_.history), list(theirs.monitor_.history), rtol=TOLERANCE)


def test_names_parameters_and_defaults_are_hmmlearns() -> None:
    for name in ("CategoricalHMM", "GaussianHMM", "GMMHMM", "MultinomialHMM", "PoissonHMM"):
        theirs, ours = (getattr(module, name)().get_params() for module in (hmmlearn, hmm))
        assert {key: ours.get(key, "absent") for key in theirs} == theirs
        public = {method for method in dir(getattr(hmmlearn, name)) if not method.startswith("_")}
        assert not {method for method in public if not hasattr(getattr(hmm, name), method)} - {
            "set_fit_request",
            "set_score_request",
        }
