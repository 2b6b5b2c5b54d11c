import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.hmm_enumeration import enumerate_paths, posterior_by_enumeration

from models.hmm import core as hmm
from models.hmm.single import expect_in_log_space

# The article's example, its recursions put right: states rain, sun, clouds; a friend who is dry, has fever or flu.
WEATHER_PI = np.array([0.3, 0.4, 0.3])
WEATHER_A = np.array([[0.2, 0.1, 0.7], [0.3, 0.4, 0.3], [0.1, 0.4, 0.5]])
DRY, FEVER, FLU = np.array([0.1, 0.6, 0.4]), np.array([0.4, 0.4, 0.4]), np.array([0.5, 0.0, 0.2])


def random_model(seed: int, n_states: int, n_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (
        rng.dirichlet(np.ones(n_states)),
        rng.dirichlet(np.ones(n_states), n_states),
        rng.uniform(0.01, 1, (n_steps, n_states)),
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 6))
def test_posterior_equals_enumeration_of_all_paths(seed: int, n_states: int, n_steps: int) -> None:
    pi, A, b = random_model(seed, n_states, n_steps)
    likelihood, gamma, counts = posterior_by_enumeration(pi, A, b)
    ours = hmm.posterior(pi, A, np.log(b), np.array([n_steps]))
    assert ours.log_likelihood[0] == pytest.approx(np.log(likelihood), rel=1e-12)  # rounding of some 20 products
    np.testing.assert_allclose(ours.gamma, gamma, atol=1e-12)
    np.testing.assert_allclose(ours.transition_counts, counts, atol=1e-12)
    np.testing.assert_allclose(ours.start_counts, gamma[0], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 6))
def test_log_space_gives_what_scaling_gives(seed: int, n_states: int, n_steps: int) -> None:
    pi, A, b = random_model(seed, n_states, n_steps)
    gamma, counts, starts = np.zeros(b.shape), np.zeros(A.shape), np.zeros(n_states)
    value = expect_in_log_space(np.log(pi), np.log(A), np.log(b), np.arange(n_steps), gamma, starts, counts)
    ours = hmm.posterior(pi, A, np.log(b), np.array([n_steps]))
    assert value == pytest.approx(ours.log_likelihood[0], rel=1e-12)  # rounding
    np.testing.assert_allclose(gamma, ours.gamma, atol=1e-12)
    np.testing.assert_allclose(counts, ours.transition_counts, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 6))
def test_viterbi_finds_the_best_of_all_paths(seed: int, n_states: int, n_steps: int) -> None:
    pi, A, b = random_model(seed, n_states, n_steps)
    paths = enumerate_paths(pi, A, b)
    best = max(paths, key=lambda path: paths[path])
    states, log_probability = hmm.most_likely_states(pi, A, np.log(b), np.array([n_steps]))
    assert tuple(states) == best
    assert log_probability[0] == pytest.approx(np.log(paths[best]), rel=1e-12)  # rounding


def weather(*seen: np.ndarray) -> hmm.HmmPosterior:
    with np.errstate(divide="ignore"):
        return hmm.posterior(WEATHER_PI, WEATHER_A, np.log(np.array(seen)), np.array([len(seen)]))


def test_weather_example_forwards_multiplies_by_the_emission() -> None:
    # By hand; the article adds 0.4 and gets 0.49, 0.547, 0.553.
    first, second = np.array([0.03, 0.24, 0.12]), np.array([0.036, 0.0588, 0.0612])
    np.testing.assert_allclose(weather(DRY).gamma[0], first / first.sum(), rtol=1e-12)
    np.testing.assert_allclose(weather(DRY, FEVER).gamma[1], second / second.sum(), rtol=1e-12)
    assert np.exp(weather(DRY, FEVER).log_likelihood[0]) == pytest.approx(0.156)


def test_weather_example_backwards_goes_from_row_to_column() -> None:
    # By hand; the article turns A round and gets 0.04 (it means 0.24), 0.16 (0.41), 0.2 (0.45).
    before_dry = np.array([0.36, 0.39, 0.45])
    wanted = WEATHER_PI * before_dry
    np.testing.assert_allclose(weather(np.ones(3), DRY).gamma[0], wanted / wanted.sum(), rtol=1e-12)


def test_weather_example_as_a_whole_equals_enumeration() -> None:
    likelihood, gamma, counts = posterior_by_enumeration(WEATHER_PI, WEATHER_A, np.array([DRY, FEVER, FLU, DRY]))
    ours = weather(DRY, FEVER, FLU, DRY)
    assert np.exp(ours.log_likelihood[0]) == pytest.approx(likelihood)
    np.testing.assert_allclose(ours.gamma, gamma, atol=1e-14)
    np.testing.assert_allclose(ours.transition_counts, counts, atol=1e-14)


@pytest.mark.parametrize("with_zeros", [False, True])
# 9: more than a vector holds; seconds to compile.
@pytest.mark.parametrize("n_states", [1, 3, pytest.param(9, marks=pytest.mark.slow)])
# Alone; short; unlike in length, in blocks and not.
@pytest.mark.parametrize("lengths", [[37], [1] * 20, [40, 3, 17, 8, 16, 9, 1, 33, 2, 24, 25]])
def test_whatever_the_way_it_is_what_log_space_gives(n_states: int, lengths: list[int], *, with_zeros: bool) -> None:
    rng = np.random.default_rng(n_states)
    pi, A, log_b = (
        rng.dirichlet(np.ones(n_states)),
        rng.dirichlet(np.ones(n_states), n_states),
        rng.normal(0, 20, (sum(lengths), n_states)),
    )
    if with_zeros and n_states > 1:
        pi[0], A[0, -1], A[-1] = 0.0, 0.0, np.eye(n_states)[-1]
        pi, A = pi / pi.sum(), A / A.sum(axis=1, keepdims=True)
    gamma, counts, starts, values = np.zeros(log_b.shape), np.zeros(A.shape), np.zeros(n_states), []
    with np.errstate(divide="ignore"):
        log_pi, log_A = np.log(pi), np.log(A)
    for end, length in zip(np.cumsum(lengths), lengths, strict=True):
        steps = np.arange(end - length, end)
        values.append(expect_in_log_space(log_pi, log_A, log_b[steps], steps, gamma, starts, counts))
    ours = hmm.posterior(pi, A, log_b, np.array(lengths))
    np.testing.assert_allclose(ours.log_likelihood, values, rtol=1e-12)
    # Log space loses digits of sums of 40 logarithms near 1,000.
    np.testing.assert_allclose(ours.gamma, gamma, atol=1e-10)
    np.testing.assert_allclose(ours.start_counts, starts, atol=1e-10)
    np.testing.assert_allclose(ours.transition_counts, counts, atol=1e-9)


@pytest.mark.parametrize("n_states", [3, pytest.param(9, marks=pytest.mark.slow)])
def test_viterbi_of_many_sequences_equals_the_recursion_in_numpy(n_states: int) -> None:
    rng = np.random.default_rng(8)
    lengths = np.array([30, 1, 12])
    pi, A, log_b = (
        rng.dirichlet(np.ones(n_states)),
        rng.dirichlet(np.ones(n_states), n_states),
        rng.normal(0, 2, (43, n_states)),
    )
    states, values = hmm.most_likely_states(pi, A, log_b, lengths)
    for end, length, value in zip(np.cumsum(lengths), lengths, values, strict=True):
        rows, path = log_b[end - length : end], states[end - length : end]
        score = np.log(pi) + rows[0]
        for row in rows[1:]:
            score = (score[:, None] + np.log(A)).max(axis=0) + row
        of_path = np.log(pi[path[0]]) + rows[np.arange(length), path].sum() + np.log(A[path[:-1], path[1:]]).sum()
        assert value == pytest.approx(score.max(), rel=1e-12)  # rounding
        assert of_path == pytest.approx(value, rel=1e-12)


def test_sequences_do_not_touch_each_other() -> None:
    pi, A, b = random_model(7, 3, 9)
    together = hmm.posterior(pi, A, np.log(b), np.array([4, 5]))
    first, second = (
        hmm.posterior(pi, A, np.log(b[:4]), np.array([4])),
        hmm.posterior(pi, A, np.log(b[4:]), np.array([5])),
    )
    # Lanes add in another order.
    np.testing.assert_allclose(together.gamma, np.vstack([first.gamma, second.gamma]), rtol=1e-13)
    np.testing.assert_allclose(
        together.transition_counts, first.transition_counts + second.transition_counts, rtol=1e-12
    )


def test_renaming_the_states_changes_nothing() -> None:
    pi, A, b = random_model(3, 4, 12)
    order = np.array([2, 0, 3, 1])
    ours, renamed = (
        hmm.posterior(p, a, np.log(e), np.array([12]))
        for p, a, e in ((pi, A, b), (pi[order], A[np.ix_(order, order)], b[:, order]))
    )
    np.testing.assert_allclose(renamed.gamma, ours.gamma[:, order], atol=1e-12)


@pytest.mark.parametrize(("n_sequences", "n_steps"), [(1, 1_000_000), (8, 100_000)])
def test_very_many_steps_at_1e_minus_300_each_keep_their_digits(n_sequences: int, n_steps: int) -> None:
    log_b = np.full((n_sequences * n_steps, 2), -690.0)
    ours = hmm.posterior(np.array([0.5, 0.5]), np.full((2, 2), 0.5), log_b, np.full(n_sequences, n_steps))
    np.testing.assert_allclose(ours.log_likelihood, -690.0 * n_steps, rtol=1e-12)  # a million roundings of 1e-16
    np.testing.assert_allclose(ours.gamma.sum(axis=1), 1.0, rtol=1e-12)


def test_a_likely_state_out_of_reach_does_not_hide_the_reachable_one() -> None:
    # State 1 cannot be reached, and explains every step e^1000 times better: scaled sums underflow, log space does not.
    pi, A = np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 1.0]])
    log_b = np.array([[-1000.0, 0.0]] * 5)
    ours = hmm.posterior(pi, A, log_b, np.array([5]))
    assert ours.log_likelihood[0] == pytest.approx(-5000.0)
    np.testing.assert_array_equal(ours.gamma[:, 0], 1.0)


def test_an_impossible_sequence_is_named() -> None:
    log_b = np.array([[0.0, -np.inf], [-np.inf, 0.0]])
    with pytest.raises(hmm.ImpossibleSequenceError, match="sequence 1 "):
        hmm.posterior(np.array([1.0, 0.0]), np.eye(2), np.vstack([log_b[:1], log_b[1:]]), np.array([1, 1]))


def test_nothing_observed_leaves_the_chain_alone() -> None:
    ours = hmm.posterior(WEATHER_PI, WEATHER_A, np.zeros((3, 3)), np.array([3]))
    assert ours.log_likelihood[0] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(ours.gamma[2], WEATHER_PI @ WEATHER_A @ WEATHER_A, rtol=1e-12)


def test_stationary_distribution_is_left_unchanged() -> None:
    p = hmm.stationary_distribution(WEATHER_A)
    np.testing.assert_allclose(p @ WEATHER_A, p, atol=1e-12)
    assert p.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("lengths", [[], [2], [3, -1, 1], [4]])
def test_lengths_that_do_not_add_up_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="lengths"):
        hmm.posterior(WEATHER_PI, WEATHER_A, np.zeros((3, 3)), np.array(lengths, np.int64))


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        hmm.posterior(WEATHER_PI, WEATHER_A, np.full((3, 3), np.nan), np.array([3]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.lists(st.integers(1, 5), min_size=2, max_size=20))
def test_sequences_side_by_side_equal_each_by_itself(seed: int, n_states: int, lengths: list[int]) -> None:
    pi, A, b = random_model(seed, n_states, sum(lengths))
    together = hmm.posterior(pi, A, np.log(b), np.array(lengths))
    at, counts = 0, np.zeros(A.shape)
    for length, log_likelihood in zip(lengths, together.log_likelihood, strict=True):
        likelihood, gamma, moves = posterior_by_enumeration(pi, A, b[at : at + length])
        assert log_likelihood == pytest.approx(np.log(likelihood), rel=1e-12, abs=1e-12)  # rounding of some 20 products
        np.testing.assert_allclose(together.gamma[at : at + length], gamma, atol=1e-12)
        counts += moves
        at += length
    np.testing.assert_allclose(together.transition_counts, counts, atol=1e-11)


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 9000, 60)  # some 270,000 steps: several parts
    pi, A, _ = random_model(2, 3, 1)
    kinds, log_table = rng.integers(0, 6, lengths.sum()), np.log(rng.dirichlet(np.ones(3), 6))
    one, three = (hmm.posterior_by_kind(pi, A, log_table, kinds, lengths, n_threads=n) for n in (1, 3))
    assert one.gamma.tobytes() == three.gamma.tobytes()
    assert one.transition_counts.tobytes() == three.transition_counts.tobytes()
    one, three = (hmm.posterior(pi, A, log_table[kinds], lengths, n_threads=n) for n in (1, 3))
    assert one.gamma.tobytes() == three.gamma.tobytes()
    assert one.transition_counts.tobytes() == three.transition_counts.tobytes()


def test_counts_by_kind_are_the_posterior_summed_by_kind() -> None:
    rng = np.random.default_rng(4)
    pi, A, _ = random_model(4, 3, 1)
    lengths, kinds, log_table = np.array([30, 7, 60]), rng.integers(0, 5, 97), np.log(rng.dirichlet(np.ones(3), 5))
    by_step = hmm.posterior(pi, A, log_table[kinds], lengths)
    by_kind = hmm.posterior_by_kind(pi, A, log_table, kinds, lengths)
    for kind in range(5):
        np.testing.assert_allclose(by_kind.gamma[kind], by_step.gamma[kinds == kind].sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("n_copies", [1, 9])  # by itself, and in lanes
@pytest.mark.parametrize("log_step", [-200.0, -400.0, -1000.0])
def test_a_path_that_scaling_would_lose_is_kept(log_step: float, n_copies: int) -> None:
    # Left to right: state 1 is entered at once or never. It is unlikely at first, by more than float64 holds, and the
    # only way at the end.
    pi, A = np.array([0.5, 0.5]), np.eye(2)
    log_b = np.vstack([np.tile([0.0, log_step], (4, 1)), [[-np.inf, 0.0]]])
    ours = hmm.posterior(pi, A, np.tile(log_b, (n_copies, 1)), np.full(n_copies, 5))
    np.testing.assert_allclose(ours.log_likelihood, np.log(0.5) + 4 * log_step, rtol=1e-12)
    np.testing.assert_array_equal(ours.gamma[:, 1], 1.0)


@pytest.mark.parametrize("n_copies", [1, 9])
def test_a_state_that_cannot_be_reached_does_not_overflow(n_copies: int) -> None:
    pi, A = np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.5, 0.5]])
    log_b = np.tile([[-400.0, 0.0]], (50, 1))
    ours = hmm.posterior(pi, A, np.tile(log_b, (n_copies, 1)), np.full(n_copies, 50))
    np.testing.assert_allclose(ours.log_likelihood, -20_000.0, rtol=1e-12)
    np.testing.assert_array_equal(ours.gamma[:, 0], 1.0)


def test_reversible_chain_reads_the_same_backwards() -> None:
    weights = np.array([[1.0, 2.0, 0.5], [2.0, 3.0, 1.0], [0.5, 1.0, 4.0]])  # symmetric: detailed balance holds
    A, pi = weights / weights.sum(axis=1, keepdims=True), weights.sum(axis=1) / weights.sum()
    _, _, b = random_model(11, 3, 20)
    forwards, backwards = (hmm.posterior(pi, A, np.log(rows), np.array([20])) for rows in (b, b[::-1]))
    assert forwards.log_likelihood[0] == pytest.approx(backwards.log_likelihood[0], rel=1e-12)  # rounding
    np.testing.assert_allclose(forwards.gamma, backwards.gamma[::-1], atol=1e-12)


def test_posterior_is_the_gradient_of_the_likelihood() -> None:
    pi, A, b = random_model(5, 3, 8)
    log_b, lengths, h = np.log(b), np.array([8]), 1e-5
    ours = hmm.posterior(pi, A, log_b, lengths)
    for t, i in ((0, 0), (3, 2), (7, 1)):
        up, down = log_b.copy(), log_b.copy()
        up[t, i] += h
        down[t, i] -= h
        slope = (hmm.log_likelihoods(pi, A, up, lengths) - hmm.log_likelihoods(pi, A, down, lengths)) / (2 * h)
        # Error of central differences: h squared, and rounding / h.
        assert slope[0] == pytest.approx(ours.gamma[t, i], abs=1e-8)
