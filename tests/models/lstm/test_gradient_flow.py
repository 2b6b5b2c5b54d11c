"""Norms of gradients by lag of time."""

import numpy as np
import pytest
import torch
from torch import nn

from models.lstm.gradient_flow import gradient_flow
from models.lstm.lstm import LSTM
from models.lstm.simple_rnn import SimpleRNN


def direct(module, steps, lag, seed):
    """The same norms by one backward pass from the state `lag` steps before the end, in a call each."""
    with torch.no_grad():
        _, state = module(steps[: len(steps) - lag])
    parts = [part.clone().requires_grad_() for part in (state if isinstance(state, tuple) else (state,))]
    outputs, _ = module(steps[len(steps) - lag :], tuple(parts) if len(parts) == 2 else parts[0])
    direction = torch.randn(outputs[-1].shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gradients = torch.autograd.grad((outputs[-1] * direction).sum(), parts)
    return [float((gradient.square().sum() / steps.shape[1]).sqrt()) for gradient in gradients]


@pytest.mark.parametrize(
    "module",
    [
        nn.RNN(3, 5, 2, dtype=torch.float64),
        nn.LSTM(3, 5, 2, dtype=torch.float64),
        LSTM(3, 5, peephole=True, variant="CIFG", dtype=torch.float64),
    ],
    ids=["RNN", "LSTM", "coupled with peepholes"],
)
def test_every_lag_is_what_one_backward_pass_from_there_gives(module):
    steps = torch.randn(9, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    flow = gradient_flow(module, steps, seed=7)
    assert len(flow.by_h) == 9
    for lag in (1, 2, 5, 8):
        found = [flow.by_h[lag]] if flow.by_c is None else [flow.by_h[lag], flow.by_c[lag]]
        np.testing.assert_allclose(found, direct(module, steps, lag, 7), rtol=1e-10)
    assert flow.by_c is None or flow.by_c[0] == 0


@pytest.mark.parametrize("largest", [0.5, 1.0, 1.5])
def test_a_simple_rnn_multiplies_by_its_weights_at_every_step(largest):
    module = SimpleRNN(2, 4, nonlinearity="identity", dtype=torch.float64, batch_first=True)
    with torch.no_grad():
        module.weight_hh_l0.copy_(largest * torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q)
    flow = gradient_flow(module, torch.randn(3, 30, 2, dtype=torch.float64))
    np.testing.assert_allclose(flow.by_h, flow.by_h[0] * largest ** np.arange(30.0), rtol=1e-9)


def test_cells_whose_forget_gates_are_open_keep_what_a_simple_rnn_loses():
    torch.manual_seed(3)
    steps = torch.randn(60, 8, 4)
    lstm, rnn = LSTM(4, 16, forget_bias=6.0), SimpleRNN(4, 16)
    cells, states = gradient_flow(lstm, steps).by_c, gradient_flow(rnn, steps).by_h
    assert states[50] / states[1] < 1e-6
    assert cells[50] / cells[1] > 0.1
    assert lstm.training


def test_what_has_no_lag_is_refused():
    with pytest.raises(ValueError, match="one direction"):
        gradient_flow(LSTM(2, 3, bidirectional=True), torch.zeros(4, 1, 2))
    with pytest.raises(ValueError, match="no step"):
        gradient_flow(LSTM(2, 3), torch.zeros(0, 1, 2))
