import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hmm import core as hmm_core
from models.hmm import surface as hmm
from models.hmm.choice import choose_n_states

CLASSES = ["CategoricalHMM", "GaussianHMM", "GMMHMM", "MultinomialHMM", "PoissonHMM"]
A = np.array([[0.9, 0.1], [0.2, 0.8]])


def walk(n_steps: int, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    states = np.zeros(n_steps, np.int64)
    for t in range(1, n_steps):
        states[t] = rng.choice(2, p=A[states[t - 1]])
    return states


def observations(name: str, states: np.ndarray, seed: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = len(states)
    match name:
        case "CategoricalHMM":
            return np.where(rng.random(n) < 0.9, states, 2)[:, None].astype(float)
        case "MultinomialHMM":
            return np.stack([rng.multinomial(5, [0.7, 0.2, 0.1] if s else [0.1, 0.2, 0.7]) for s in states]).astype(
                float
            )
        case "PoissonHMM":
            return rng.poisson(np.where(states, 9.0, 2.0)[:, None], (n, 2)).astype(float)
        case _:
            return rng.normal(np.where(states, 4.0, 0.0)[:, None], 1.0, (n, 2))


def made(name: str, **changes: object):
    more = {"n_mix": 2} if name == "GMMHMM" else {}
    return getattr(hmm, name)(n_components=2, n_iter=25, tol=1e-8, random_state=1, **more, **changes)


@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000))
def test_no_step_lowers_the_objective_even_with_holes(name: str, seed: int) -> None:
    X = observations(name, walk(60, seed), seed)
    rng = np.random.default_rng(seed)
    X[rng.random(X.shape if name != "MultinomialHMM" else len(X)) < 0.2] = np.nan
    changes = {
        "GaussianHMM": {"means_weight": 1.0, "covars_weight": 4.0, "covariance_type": "full"},
        "GMMHMM": {"means_weight": 2.0},
    }
    changes["PoissonHMM"] = {"lambdas_prior": 2.0, "lambdas_weight": 3.0}
    model = made(name, transmat_prior=1.5, **changes.get(name, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error", hmm.LikelihoodFellWarning)
        warnings.simplefilter("ignore", hmm.CovarianceFloorWarning)
        model.fit(X, [25, 35])
    assert len(model.monitor_.history) > 1  # two where all observations are equal


@pytest.mark.parametrize("name", CLASSES)
def test_states_are_found_without_any_being_known(name: str) -> None:
    states = walk(600)
    X = observations(name, states)
    predicted = made(name, n_starts=3).fit(X).predict(X)
    agreement = (predicted == states).mean()
    assert max(agreement, 1 - agreement) > (0.8 if name == "CategoricalHMM" else 0.9)


@pytest.mark.parametrize("name", CLASSES)
def test_all_states_known_is_counting(name: str) -> None:
    states = walk(400)
    model = made(name).fit(observations(name, states), [150, 250], states=states)
    counts = np.zeros((2, 2))
    for begin, end in ((0, 150), (150, 400)):
        np.add.at(counts, (states[begin : end - 1], states[begin + 1 : end]), 1)
    np.testing.assert_allclose(model.transmat_, counts / counts.sum(axis=1, keepdims=True), rtol=1e-9)
    if name == "PoissonHMM":
        X = observations(name, states)
        np.testing.assert_allclose(model.lambdas_, [X[states == i].mean(axis=0) for i in range(2)], rtol=1e-9)
    if name == "CategoricalHMM":
        X = observations(name, states)[:, 0]
        shares = [[(X[states == i] == k).mean() for k in range(3)] for i in range(2)]
        np.testing.assert_allclose(model.emissionprob_, shares, rtol=1e-9)


@pytest.mark.parametrize("name", CLASSES)
def test_some_states_known_give_the_states_their_names(name: str) -> None:
    states = walk(400)
    known = np.where(np.arange(400) % 10 == 0, 1 - states, -1)  # named the other way round
    model = made(name).fit(observations(name, states), states=known)
    assert (model.predict(observations(name, states)) == 1 - states).mean() > 0.8


def test_a_known_state_is_kept_against_the_evidence() -> None:
    states = np.full(40, -1)
    states[20] = 1
    X = np.zeros((40, 1))
    X[::4] = 5.0
    model = hmm.GaussianHMM(2, init_params="", n_iter=1)
    model.startprob_, model.transmat_ = np.array([0.5, 0.5]), np.full((2, 2), 0.5)
    model.means_, model.covars_ = np.array([[5.0], [0.0]]), np.ones((2, 1))
    log_likelihood, gamma = model.score_samples(X)
    model.fit(X, states=states)  # the first of the history is the likelihood before the step
    # P(X, state) = P(X) P(state | X).
    assert model.monitor_.history[0] == pytest.approx(log_likelihood + np.log(gamma[20, 1]), rel=1e-12)
    assert gamma[20, 1] < 0.01


@pytest.mark.parametrize("name", CLASSES)
def test_a_row_without_values_says_nothing(name: str) -> None:
    X = observations(name, walk(200))
    model = made(name).fit(X)
    holes = np.vstack([X[:50], np.full((1, X.shape[1]), np.nan), X[50:]])
    gamma = model.predict_proba(holes)
    log_b = model._log_emission(holes)
    np.testing.assert_allclose(log_b[50], 0.0, atol=1e-15)  # a mixture's weights sum to 1 but for rounding
    before = hmm_core.posterior(model.startprob_, model.transmat_, log_b, np.array([201]))
    np.testing.assert_allclose(gamma, before.gamma)
    assert np.isfinite(made(name).fit(holes).score(holes))


def test_the_best_of_several_starts_is_kept() -> None:
    X = observations("CategoricalHMM", walk(300))
    alone = [hmm.CategoricalHMM(3, n_iter=30, random_state=seed).fit(X).monitor_.history[-1] for seed in range(4)]
    together = hmm.CategoricalHMM(3, n_iter=30, random_state=0, n_starts=4).fit(X)
    assert together.monitor_.history[-1] == max(alone)
    assert max(alone) > alone[0]


def test_renaming_states_changes_no_score() -> None:
    for name in CLASSES:
        X = observations(name, walk(100))
        model = made(name).fit(X)
        before, gamma = model.score_samples(X)
        after, swapped = model.reordered([1, 0]).score_samples(X)
        assert after == pytest.approx(before, rel=1e-12)  # rounding
        np.testing.assert_allclose(swapped, gamma[:, ::-1], atol=1e-12)


def test_bic_finds_the_number_of_states() -> None:
    X = observations("GaussianHMM", walk(400))
    choice = choose_n_states(lambda n: hmm.GaussianHMM(n, n_iter=40, random_state=1), range(1, 5), X, [200, 200])
    assert choice.model.n_components == 2
    assert set(choice.bic) == {1, 2, 3, 4}


def test_more_states_than_rows_are_passed_over_in_the_choice() -> None:
    choice = choose_n_states(lambda n: hmm.GaussianHMM(n, n_iter=2), range(1, 4), np.array([[1.0], [2.0]]))
    assert choice.bic[3] is None
    with pytest.raises(ValueError, match="distinct"):
        choose_n_states(hmm.GaussianHMM, [3], np.array([[1.0], [2.0]]))


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.filterwarnings("ignore::models.hmm.gaussian.CovarianceFloorWarning")
def test_one_observation_is_enough_for_one_state(name: str) -> None:
    X = np.array([[2.0, 3.0]]) if name != "CategoricalHMM" else np.array([[2.0]])
    model = getattr(hmm, name)(1).fit(X)
    assert model.predict(X).tolist() == [0]
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.filterwarnings("ignore::models.hmm.gaussian.CovarianceFloorWarning")
def test_equal_observations_do_not_break_the_fit(name: str) -> None:
    X = np.full((30, 1 if name == "CategoricalHMM" else 2), 3.0)
    model = getattr(hmm, name)(1, n_iter=5).fit(X)
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("name", ["CategoricalHMM", "PoissonHMM", "MultinomialHMM"])
def test_more_states_than_distinct_counts_still_work(name: str) -> None:
    X = np.full((20, 1 if name == "CategoricalHMM" else 2), 1.0)
    assert np.isfinite(getattr(hmm, name)(3, n_iter=5, random_state=1).fit(X).score(X))


def test_a_symbol_never_seen_in_training() -> None:
    model = hmm.CategoricalHMM(2, n_features=4, random_state=1, n_iter=30).fit(np.array([[0], [1], [0], [1], [1]]))
    assert model.score(np.array([[3]])) == -np.inf
    with pytest.raises(hmm_core.ImpossibleSequenceError, match="sequence 1 "):
        model.predict(np.array([[0], [3]]), [1, 1])
    with pytest.raises(ValueError, match="symbol 4, the model knows 0 to 3"):
        model.predict(np.array([[4]]))


def test_a_start_with_zeros_keeps_them() -> None:
    X = observations("GaussianHMM", walk(200))
    model = hmm.GaussianHMM(2, init_params="mc", n_iter=20)
    model.startprob_, model.transmat_ = np.array([1.0, 0.0]), np.array([[0.7, 0.3], [0.0, 1.0]])
    model.fit(X, [100, 100])
    assert model.startprob_[1] == model.transmat_[1, 0] == 0.0


@pytest.mark.parametrize("name", CLASSES)
def test_all_missing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="every value of X is missing"):
        made(name).fit(np.full((5, 1), np.nan))


@pytest.mark.parametrize("lengths", [[2], [3, 3], [0, 4], [-1, 5], [2.0, 2.0]])
def test_lengths_that_do_not_add_up_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="lengths must be positive integers that add up to the 4 rows"):
        hmm.GaussianHMM(1).fit(np.arange(4.0)[:, None], lengths)


@pytest.mark.parametrize(
    ("name", "X", "message"),
    [
        ("CategoricalHMM", [[0, 1]], "one column"),
        ("CategoricalHMM", [[0.5]], "whole numbers"),
        ("CategoricalHMM", [[-1]], "whole numbers"),
        ("PoissonHMM", [[-1.0]], "counts"),
        ("MultinomialHMM", [[1.0, np.nan]], "row 0 of X has some counts missing"),
        ("GaussianHMM", [1.0, 2.0], "matrix"),
        ("CategoricalHMM", [["sun"], ["rain"]], "must hold numbers"),
        ("GaussianHMM", [[np.inf]], "infinite"),
        ("GaussianHMM", [[1.0], [1.0]], "distinct complete rows"),
    ],
)
def test_unusable_observations_are_refused_in_a_sentence(name: str, X: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(name).fit(np.array(X))


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([0, 1], "states must be 4 integers"),
        ([0, 2, -1, 0], "from 0 to 1"),
        ([0.0, 1, 1, 0], "states must be 4 integers"),
    ],
)
def test_unusable_states_are_refused_in_a_sentence(states: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hmm.GaussianHMM(2).fit(np.arange(4.0)[:, None], states=np.array(states))


def test_a_start_set_by_hand_must_be_probabilities() -> None:
    model = hmm.CategoricalHMM(2, init_params="te")
    model.startprob_ = np.array([0.5, 0.6])
    with pytest.raises(ValueError, match="startprob_ must hold probabilities that sum to 1"):
        model.fit(np.array([[0], [1]]))


def test_any_number_of_threads_fits_the_same_bytes() -> None:
    X = observations("GaussianHMM", walk(500))
    X = np.tile(X, (600, 1))  # 300,000 steps: several parts
    one, two = (hmm.GaussianHMM(2, n_jobs=n, n_iter=2, init_params="stc") for n in (1, 2))
    one.means_ = two.means_ = np.array([[0.0, 0.0], [4.0, 4.0]])
    one.fit(X, [1000] * 300)
    two.fit(X, [1000] * 300)
    assert one.means_.tobytes() == two.means_.tobytes()


def test_progress_is_told_iteration_and_likelihood() -> None:
    told: list[tuple[int, float]] = []
    model = made("PoissonHMM").fit(observations("PoissonHMM", walk(50)), progress=lambda *args: told.append(args))
    assert told == list(enumerate(model.monitor_.history))


def test_an_impossible_sequence_is_named_by_its_number_among_all() -> None:
    X = np.zeros((90_000, 1))
    X[-1] = 1.0  # in the ninth sequence, which is of the second part
    model = hmm.PoissonHMM(4, init_params="st")
    model.lambdas_ = np.zeros((4, 1))
    with pytest.raises(hmm_core.ImpossibleSequenceError, match="sequence 8 "):
        model.fit(X, [10_000] * 9)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("GaussianHMM", {}),
        ("GaussianHMM", {"covariance_type": "full"}),
        ("GMMHMM", {"covariance_type": "full"}),
        ("GMMHMM", {}),
        ("PoissonHMM", {}),
    ],
)
def test_a_missing_column_counts_as_if_it_were_not_in_the_model(name: str, more: dict[str, str]) -> None:
    X = observations(name, walk(100))
    model = made(name, **more).fit(X)
    holes = X.copy()
    holes[::3, 1] = np.nan
    alone = made(name, **more)
    alone.startprob_, alone.transmat_ = model.startprob_, model.transmat_
    alone.n_features = 1
    if name == "PoissonHMM":
        alone.lambdas_ = model.lambdas_[:, :1]
    else:
        alone.weights_ = getattr(model, "weights_", None)
        alone.means_ = model.means_[..., :1]
        covars = model._covars_ if name == "GaussianHMM" else model.covars_
        alone.covars_ = covars[..., :1, :1] if more else covars[..., :1]
    log_b = model._log_emission(holes)
    np.testing.assert_allclose(log_b[::3], alone._log_emission(X[::3, :1]), rtol=1e-9)
    np.testing.assert_allclose(log_b[1::3], model._log_emission(X[1::3]), rtol=1e-12)
