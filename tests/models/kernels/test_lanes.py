import numpy as np
import pytest

from models.kernels.kernel_cache import kernel_part
from models.kernels.lanes import choose, exp_of_negative, fma, load, log_of_one_plus, only_first, splat, store, total

VALUES = np.linspace(-80, 0, 64, dtype=np.float32)


@kernel_part
def through_lanes(values, powers, logs, parts, n):
    """e ** values, ln(1 + powers), the first n of each sixteen of values; the sum of 2 * values + 1 over 16."""
    for i in range(0, values.size, 16):
        a = load(values, i)
        store(powers, i, exp_of_negative(a))
        store(logs, i, log_of_one_plus(load(powers, i)))
        store(parts, i, only_first(a, n))
    return total(fma(load(values, 0), splat(np.float32(2)), splat(np.float32(1))))


@kernel_part
def pick(signs, picked):
    """1 where signs are below 0, else 2."""
    store(picked, 0, choose(load(signs, 0), splat(np.float32(1)), splat(np.float32(2))))


def run(values, n=16):
    powers, logs, parts = (np.zeros_like(values) for _ in range(3))
    return powers, logs, parts, through_lanes(values, powers, logs, parts, n)


def test_exponential_and_logarithm_are_right_to_six_digits():
    powers, logs, _, _ = run(VALUES)
    # float32 loses digits of a * log2(e) far below 0.
    assert powers == pytest.approx(np.exp(VALUES.astype(float)), rel=1e-5)
    assert powers[-1] == 1
    assert logs == pytest.approx(np.log1p(powers.astype(float)), rel=1e-6)


def test_exponential_far_below_zero_is_tiny_and_finite():
    powers, _, _, _ = run(np.full(16, -1e30, np.float32))
    assert (powers > 0).all()
    assert powers.max() < 1e-37


def test_sum_of_lanes():
    assert run(VALUES)[3] == pytest.approx(float((2 * VALUES[:16] + 1).sum()), rel=1e-6)


@pytest.mark.parametrize("n", [-3, 0, 1, 7, 16, 40])
def test_lanes_beyond_the_first_n_are_zero(n):
    values = np.arange(1, 17, dtype=np.float32)
    assert run(values, n)[2].tolist() == [*values[: max(n, 0)], *[0] * (16 - min(max(n, 0), 16))]


def test_choice_by_sign_counts_zero_as_not_negative():
    signs, picked = np.array([-1, 0, 1, -0.0] * 4, np.float32), np.zeros(16, np.float32)
    pick(signs, picked)
    assert picked.tolist() == [1, 2, 2, 2] * 4
