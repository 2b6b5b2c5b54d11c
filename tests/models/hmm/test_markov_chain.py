from itertools import product

import numpy as np
import pytest

from models.hmm.markov_chain import MarkovChain, fit_chain

# The article's.
WEATHER = MarkovChain(np.array([0.3, 0.4, 0.3]), np.array([[0.2, 0.1, 0.7], [0.3, 0.4, 0.3], [0.1, 0.4, 0.5]]))


def test_fit_is_counting() -> None:
    chain = fit_chain([np.array([0, 1, 1, 0]), np.array([1, 1])], 2)
    np.testing.assert_allclose(chain.start, [0.5, 0.5])
    np.testing.assert_allclose(chain.P, [[0.0, 1.0], [1 / 3, 2 / 3]])


def test_second_order_looks_two_back() -> None:
    chain = fit_chain([np.array([0, 0, 1, 0, 0, 1, 1])], 2, order=2)
    assert chain.order == 2
    # After 00, 01, 10, and 11, which nothing followed.
    np.testing.assert_allclose(chain.P, [[0, 1], [0.5, 0.5], [1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_predictions_equal_summing_over_all_paths(order: int) -> None:
    rng = np.random.default_rng(order)
    chain = fit_chain([rng.integers(0, 3, 200)], 3, order)
    recent = np.array([2, 0, 1])
    by_hand = np.zeros(3)
    for path in product(range(3), repeat=3):
        states, probability = [*recent], 1.0
        for state in path:
            history = sum(s * 3**place for place, s in enumerate(reversed(states[-order:])))
            probability *= chain.P[history, state]
            states.append(state)
        by_hand[path[-1]] += probability
    np.testing.assert_allclose(chain.predict(recent, 3), by_hand, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_stationary_distribution_is_where_predictions_end(order: int) -> None:
    chain = fit_chain([np.random.default_rng(2).integers(0, 3, 300)], 3, order)
    np.testing.assert_allclose(chain.stationary_distribution(), chain.predict(np.array([0, 1]), 200), atol=1e-9)


def test_likelihood_by_hand() -> None:
    assert WEATHER.log_likelihood(np.array([0, 2, 1])) == pytest.approx(np.log(0.3 * 0.7 * 0.4))
    assert MarkovChain(np.array([1.0, 0.0]), np.eye(2)).log_likelihood(np.array([0, 1])) == -np.inf


def test_likelihood_of_second_order_looks_two_back() -> None:
    chain = fit_chain([np.array([0, 0, 1, 0, 0, 1, 1]), np.array([1, 0])], 2, order=2)
    # It begins with 00 or 10, half of the sequences each; after 00 always 1, after 01 by halves 0 or 1.
    assert chain.log_likelihood(np.array([0, 0, 1, 1])) == pytest.approx(np.log(0.5 * 1.0 * 0.5))
    with pytest.raises(ValueError, match="needs as many states"):
        chain.log_likelihood(np.array([0]))


@pytest.mark.parametrize("order", [1, 2])
def test_what_is_sampled_is_learned_again(order: int) -> None:
    chain = fit_chain([np.random.default_rng(3).integers(0, 2, 50)], 2, order, pseudo_count=1.0)
    again = fit_chain([chain.sample(20_000, seed=4)], 2, order)
    np.testing.assert_allclose(again.P, chain.P, atol=0.03)  # some 5,000 draws a history: standard error 0.007
    np.testing.assert_array_equal(chain.sample(50, seed=1), chain.sample(50, seed=1))


@pytest.mark.parametrize(
    ("sequences", "n_states", "order", "message"),
    [
        ([[0, 2]], 2, 1, "states go from 0 to 1"),
        ([[0]], 2, 2, "nothing to learn"),
        ([], 2, 1, "nothing to learn"),
        ([[0]], 50, 9, "rows"),
        ([[0]], 2, 0, "rows"),
    ],
)
def test_unusable_input_is_refused_in_a_sentence(
    sequences: list[list[int]], n_states: int, order: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_chain([np.array(sequence) for sequence in sequences], n_states, order)
