import numpy as np
from numba import njit

from models.hmm.vectors import exp_of_negative, load, store, turn


@njit(error_model="numpy")
def powers(x: np.ndarray, found: np.ndarray) -> None:
    for at in range(0, len(x), 8):
        store(found, at, exp_of_negative(load(x, at)))


@njit
def turned(rows: np.ndarray, places: np.ndarray, found: np.ndarray) -> None:
    turn(rows, places, 2, found, 8)


def test_powers_of_e_to_the_last_place_or_two() -> None:
    x = -np.random.default_rng(1).exponential(60.0, 8000)
    x[:3] = 0.0, -1e-300, -708.0
    found = np.empty_like(x)
    powers(x, found)
    np.testing.assert_array_max_ulp(found[x >= -708.0], np.exp(x[x >= -708.0]), maxulp=2)


def test_only_minus_infinity_has_the_power_0() -> None:
    found = np.empty(8)
    powers(np.array([-np.inf, -709.0, -1e9, -np.finfo(float).max, 0.0, -np.inf, -745.2, -708.4]), found)
    assert (found == 0.0).tolist() == [True, False, False, False, False, True, False, False]
    assert found[[1, 2, 3, 6, 7]].max() < 4e-308


def test_a_square_is_turned_on_its_side() -> None:
    rows, found = np.arange(100.0), np.zeros(80)
    places = np.array([0, 8, 16, 24, 80, 40, 48, 3])
    turned(rows, places, found)
    np.testing.assert_array_equal(found[8:72].reshape(8, 8).T, rows[places[:, None] + 2 + np.arange(8)])
    assert found[:8].sum() == found[72:].sum() == 0.0
