"""Gradients of one window against finite differences, for each of the four models."""

import numpy as np
import pytest
from oracles.word2vec_loops import window_loss

from models.embeddings.word2vec_window import step_window

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds

WIDTH = 16
# Input rows 1 to 5 with a repeated word; output rows 1 to 4 with a repeated negative, filled up with row 0 to whole
# tiles of three.
AROUND = {"even": [1, 2, 3, 4], "odd": [1, 2, 3], "repeated": [1, 2, 1, 4], "alone": [5]}
OUTPUTS = {
    "negatives": ([1, 2, 3, 2, 0, 0], [1, -1, -1, -1, 0, 0]),
    "path": ([4, 2, 1], [1, -1, 1]),
    "long path": ([4, 2, 1, 3, 5, 6, 7, 8, 0], [1, -1, 1, 1, -1, 1, -1, -1, 0]),
}


def step(inputs, outputs, around, scored, alpha, *, is_cbow, share):
    """Loss before the step, and both matrices after it."""
    at, signs = scored
    inputs, outputs = inputs.astype(np.float32), outputs.astype(np.float32)
    loss = step_window(
        inputs.reshape(-1),
        np.array(around, np.int32),
        len(around),
        outputs.reshape(-1),
        np.array(at, np.int32),
        0,
        len(at),
        np.array(signs, np.float32),
        is_cbow,
        np.float32(share),
        np.float32(share),
        np.float32(alpha),
        WIDTH,
        np.zeros(10 * WIDTH, np.float32),
        np.zeros(208, np.float32),
    )
    return float(loss), inputs, outputs


def numerical_gradient(loss, matrix):
    """Central differences of `loss()` by every number of `matrix`, which is changed and restored."""
    gradient = np.zeros_like(matrix)
    for place in np.ndindex(matrix.shape):
        here = matrix[place]
        above, below = here + 1e-5, here - 1e-5
        matrix[place] = above
        up = loss()
        matrix[place] = below
        gradient[place] = (up - loss()) / 2e-5
        matrix[place] = here
    return gradient


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("is_cbow", "is_mean"), [(False, False), (True, True), (True, False)])
def test_step_is_the_negative_gradient_of_the_loss(around, outputs, is_cbow, is_mean):
    draws = np.random.default_rng(5)
    h, u = draws.normal(0, 0.6, (7, WIDTH)), draws.normal(0, 0.6, (9, WIDTH))
    h[0] = h[6] = u[0] = 0
    words, (at, signs) = AROUND[around], OUTPUTS[outputs]
    scored = [(row, y) for row, y in zip(at, signs, strict=True) if y]
    share = 1 / len(words) if is_mean else 1

    def loss():
        return window_loss(
            h, u, words, [row for row, _ in scored], [y for _, y in scored], is_cbow=is_cbow, is_mean=is_mean
        )

    value, h_after, u_after = step(h, u, words, (at, signs), 0.01, is_cbow=is_cbow, share=share)
    assert value == pytest.approx(loss(), rel=1e-5)  # float32
    used = [1, 2, 3, 4, 5]
    # Differences of float32 rows over a step of 0.01: seven digits of about 1, divided by 0.01.
    assert (h - h_after)[used] / 0.01 == pytest.approx(numerical_gradient(loss, h)[used], abs=5e-5)
    assert (u - u_after) / 0.01 == pytest.approx(numerical_gradient(loss, u), abs=5e-5)


def test_row_that_fills_up_stays_zero():
    draws = np.random.default_rng(6)
    h, u = draws.normal(size=(7, WIDTH)), draws.normal(size=(9, WIDTH))
    u[0] = 0
    _, _, u_after = step(h, u, AROUND["odd"], OUTPUTS["negatives"], 0.5, is_cbow=False, share=1)
    assert (u_after[0] == 0).all()


def test_loss_of_hopeless_scores_is_their_margin():
    h, u = np.zeros((7, WIDTH)), np.zeros((9, WIDTH))
    h[1, 0], u[2, 0] = 100, 50  # a negative with a score of 5,000: exp of it has no float32
    loss, h_after, u_after = step(h, u, [1], ([2, 0, 0], [-1, 0, 0]), 0.0, is_cbow=False, share=1)
    assert loss == 5000
    assert np.isfinite(h_after).all()
    assert np.isfinite(u_after).all()
