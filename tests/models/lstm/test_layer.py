"""Gradients written by hand, against finite differences; and the kernels against the same equations in torch."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from models.lstm import layer as lstm_layer
from models.lstm.layer import Layout
from models.lstm.lstm import LSTM
from models.lstm.variants import VARIANTS
from models.training.runtime import torch_threads

CELLS = [
    (variant, peephole) for variant in VARIANTS for peephole in (False, True) if (variant, peephole) != ("NP", True)
]


@pytest.fixture(scope="module", autouse=True)
def _on_one_thread():
    with torch_threads(1):
        yield


def is_gradient_right(module):
    lengths = torch.tensor([2, 4, 3])
    torch.manual_seed(0)
    x, h, c = (
        torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((4, 3, 2), (2, 3, 3), (2, 3, 3))
    )

    def outputs(x, h, c, *_):
        packed, (h_last, c_last) = module(pack_padded_sequence(x, lengths, enforce_sorted=False), (h, c))
        return packed.data, h_last, c_last

    return torch.autograd.gradcheck(outputs, (x, h, c, *module.parameters()), fast_mode=True)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize(("variant", "peephole"), CELLS)
def test_gradients_are_those_of_finite_differences(variant, peephole, layer_norm):
    torch.manual_seed(1)
    module = LSTM(
        2, 3, variant=variant, peephole=peephole, layer_norm=layer_norm, bidirectional=True, dtype=torch.float64
    )
    assert is_gradient_right(module)


@pytest.mark.parametrize("variant", ["vanilla", "CIFG", "FGR"])
def test_gradients_by_torch_operations_are_those_of_finite_differences(variant, monkeypatch):
    monkeypatch.setattr(lstm_layer, "is_compiled", lambda *_: False)
    torch.manual_seed(1)
    assert is_gradient_right(LSTM(2, 3, variant=variant, peephole=True, bidirectional=True, dtype=torch.float64))


@pytest.mark.parametrize("size", [1, 8, 13, 40])
@pytest.mark.parametrize(
    ("variant", "peephole"),
    [(variant, peephole) for variant, peephole in CELLS if peephole or variant not in {"vanilla", "NP"}],
)
def test_kernels_compute_what_torch_operations_compute(variant, peephole, size, monkeypatch):
    torch.manual_seed(2)
    module = LSTM(3, size, variant=variant, peephole=peephole)
    steps = pack_padded_sequence(
        torch.randn(9, 11, 3), torch.tensor([9, 1, 4, 4, 8, 2, 9, 5, 3, 7, 6]), enforce_sorted=False
    )
    found = []
    for is_compiled in (lstm_layer.is_compiled, lambda *_: False):
        monkeypatch.setattr(lstm_layer, "is_compiled", is_compiled)
        outputs, (h, c) = module(steps)
        found.append(
            [
                outputs.data.detach(),
                h.detach(),
                c.detach(),
                *torch.autograd.grad(outputs.data.square().sum() + c.sum(), list(module.parameters())),
            ]
        )
    for compiled, plain in zip(*found, strict=True):
        torch.testing.assert_close(compiled, plain, rtol=1e-5, atol=2e-6 * max(1.0, float(plain.abs().max())))


def test_bfloat16_layers_go_through_torch_operations():
    module = LSTM(3, 4, peephole=True, dtype=torch.bfloat16)
    outputs, _ = module(torch.randn(5, 2, 3, dtype=torch.bfloat16))
    outputs.sum().backward()
    assert outputs.dtype == torch.bfloat16
    assert torch.isfinite(module.weight_peephole_l0.grad).all()


def test_shares_of_a_batch_hold_every_sequence_once_and_about_as_many_steps_each():
    layout = Layout((40, 40, 40, 24, 8, 8, 8, 8, 8, 8))
    assert layout.shares(1) == [(0, 40)]
    assert layout.shares(2) == [(0, 16), (16, 40)]
    assert layout.shares(64)[0][0] == 0
    assert [end for _, end in layout.shares(64)][:-1] == [begin for begin, _ in layout.shares(64)][1:]
    assert Layout((3, 2)).shares(2) == [(0, 3)]
