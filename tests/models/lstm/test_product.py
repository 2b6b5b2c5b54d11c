"""Products inside kernels, and large ones."""

import numpy as np
import pytest
import torch
from numba import njit

from models.lstm.product import multiply, panels, product, tile_rows


@njit
def multiply_rows(A, n, B, C):
    multiply(A, n, B, C)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "K", "N"), [(1, 1, 1), (8, 5, 32), (9, 3, 33), (17, 40, 100)])
def test_a_product_by_panels_is_the_product(n, K, N, dtype):
    rng = np.random.default_rng(0)
    A, B = np.zeros((tile_rows(n), K), dtype), rng.normal(size=(K, N)).astype(dtype)
    A[:n] = rng.normal(size=(n, K))
    cut = panels(B)
    C = np.empty((tile_rows(n), cut.shape[0] * cut.shape[2]), dtype)
    multiply_rows(A.ravel(), n, cut, C.ravel())
    np.testing.assert_allclose(C[:n, :N], A[:n] @ B, rtol=1e-5, atol=1e-5)
    assert (C[:, N:] == 0).all()


def test_a_row_of_a_product_does_not_depend_on_the_other_rows():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(tile_rows(16), 50)).astype(np.float32), panels(rng.normal(size=(50, 70)).astype(np.float32))
    width = B.shape[0] * B.shape[2]
    C, alone = np.empty((len(A), width), np.float32), np.empty((tile_rows(1), width), np.float32)
    multiply_rows(A.ravel(), len(A), B, C.ravel())
    multiply_rows(np.roll(A, -11, axis=0).ravel(), 1, B, alone.ravel())
    np.testing.assert_array_equal(alone[0], C[11])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_products_take_matrices_that_lie_in_any_order(dtype):
    torch.manual_seed(0)
    A, B = torch.randn(200, 80, dtype=dtype), torch.randn(80, 100, dtype=dtype)
    expected = (A.double() @ B.double()).to(dtype)
    for first in (A, A.t().contiguous().t(), torch.randn(200, 90, dtype=dtype)[:, :80].copy_(A)):
        for second in (B, B.t().contiguous().t()):
            torch.testing.assert_close(product(first, second), expected, rtol=1e-5, atol=1e-5)
    rounded = product(A, B, torch.bfloat16)
    assert rounded.dtype == dtype
    torch.testing.assert_close(rounded, expected, rtol=0.05, atol=0.3)
