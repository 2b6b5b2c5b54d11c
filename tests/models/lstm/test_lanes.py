"""Vectors with the usual signs, and the functions of gates."""

import numpy as np
import pytest
from numba import njit

from models.lstm.lanes import load, logistic, store, tanh


@njit
def apply_logistic(x, y, width):
    for k in range(0, len(x), width):
        store(y, k, len(x) - k, logistic(load(x, k, len(x) - k)))


@njit
def apply_tanh(x, y, width):
    for k in range(0, len(x), width):
        store(y, k, len(x) - k, tanh(load(x, k, len(x) - k)))


@njit
def mix(x, y, width):
    for k in range(0, len(x), width):
        a = load(x, k, len(x) - k)
        store(y, k, len(x) - k, 1 - a * a + 2 * a - 3)


@pytest.mark.parametrize(("dtype", "width"), [(np.float32, 16), (np.float64, 8)])
@pytest.mark.parametrize("n", [1, 7, 16, 37])
def test_signs_mean_what_they_mean_and_numbers_after_the_end_stay(n, dtype, width):
    x, y = np.linspace(-2, 2, n).astype(dtype), np.full(n + 20, 9, dtype)
    mix(x, y[:n], width)
    np.testing.assert_allclose(y[:n], -x * x + 2 * x - 2, rtol=1e-6, atol=1e-6)
    assert (y[n:] == 9).all()


@pytest.mark.parametrize(
    ("compiled", "exact"),
    [(apply_logistic, lambda v: 1 / (1 + np.exp(-v))), (apply_tanh, np.tanh)],
    ids=["logistic", "tanh"],
)
def test_functions_are_right_to_the_last_digits(compiled, exact):
    # Over all bits a float32 can have.
    x = np.arange(0, 2**32, 4001, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x) & (x > -87)]
    y = np.empty_like(x)
    compiled(x, y, 16)
    expected = exact(x.astype(np.float64))
    assert (np.abs(y - expected) <= 3 * np.spacing(np.abs(expected).astype(np.float32))).all()
    doubles = np.concatenate([np.linspace(-40, 40, 10_001), np.logspace(-300, 0, 1001)])
    y = np.empty_like(doubles)
    compiled(doubles, y, 8)
    expected = exact(doubles.astype(np.longdouble))
    assert (np.abs(y - expected) <= 4 * np.spacing(np.abs(expected).astype(np.float64))).all()


@pytest.mark.parametrize(("dtype", "width"), [(np.float32, 16), (np.float64, 8)])
def test_what_is_no_number_stays_so_and_infinities_give_the_limits(dtype, width):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e30, -1e30], dtype)
    y = np.empty_like(x)
    apply_tanh(x, y, width)
    np.testing.assert_array_equal(y, np.array([np.nan, 1, -1, 0, 1, -1]))
    apply_logistic(x, y, width)
    np.testing.assert_allclose(y, np.array([np.nan, 1, 0, 0.5, 1, 0]), atol=1e-37)
