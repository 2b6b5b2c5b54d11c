"""The module in the place of `torch.nn.LSTM`."""

import copy

import numpy as np
import pytest
import torch
from oracles import lstm_oracle
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from models.lstm import layer as lstm_layer
from models.lstm.lstm import LSTM
from models.lstm.variants import VARIANTS
from models.training.runtime import torch_threads

LENGTHS = torch.tensor([3, 11, 1, 7, 7, 2, 9, 4, 5, 11, 6])


@pytest.fixture(scope="module", autouse=True)
def _on_one_thread():
    with torch_threads(1):
        yield


def like_torch(dtype, **settings):
    """Torch's LSTM, and one that takes the way of peepholes, which are 0, with the same weights."""
    torch.manual_seed(0)
    fused, ours = nn.LSTM(5, 7, dtype=dtype, **settings), LSTM(5, 7, dtype=dtype, peephole=True, **settings)
    lacking = ours.load_state_dict(fused.state_dict(), strict=False)
    assert not lacking.unexpected_keys
    for name in lacking.missing_keys:
        nn.init.zeros_(ours.get_parameter(name))
    return fused, ours


def everything(module, x, hx, lengths, batch_first):
    """Outputs, states, and gradients of a loss in which all of them take part."""
    x, hx = x.clone().requires_grad_(), None if hx is None else tuple(part.clone().requires_grad_() for part in hx)
    steps = x if lengths is None else pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
    outputs, (h, c) = module(steps, hx)
    outputs = outputs if lengths is None else outputs.data
    loss = sum(
        (part * torch.linspace(-1, 1, part.numel(), dtype=part.dtype).view(part.shape)).sum()
        for part in (outputs, h, c)
    )
    weights = [weight for name, weight in module.named_parameters() if "peephole" not in name]
    return [*(part.detach() for part in (outputs, h, c)), *torch.autograd.grad(loss, [x, *(hx or ()), *weights])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("is_state_given", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_layers": 2},
        {"bidirectional": True, "batch_first": True},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": True},
    ],
)
def test_outputs_states_and_gradients_are_those_of_torch(settings, lengths, is_state_given, dtype):
    fused, ours = like_torch(dtype, **settings)
    x = torch.randn(11, 11, 5, dtype=dtype)
    n_states = (1 + bool(settings.get("bidirectional"))) * settings.get("num_layers", 1)
    hx = tuple(torch.randn(n_states, 11, 7, dtype=dtype) for _ in "hc") if is_state_given else None
    theirs, mine = (everything(module, x, hx, lengths, settings.get("batch_first", False)) for module in (fused, ours))
    for expected, found in zip(theirs, mine, strict=True):
        assert expected.shape == found.shape
        # Sums of up to 700 terms: in float32 their order alone moves the sixth digit of the largest.
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6 * max(1.0, float(expected.abs().max())))


def test_without_special_wishes_torch_itself_runs_and_gives_the_same_bits():
    torch.manual_seed(3)
    fused = nn.LSTM(4, 6, 2)
    torch.manual_seed(3)
    ours = LSTM(4, 6, 2)
    x = torch.randn(5, 2, 4)
    assert list(ours.state_dict()) == list(fused.state_dict())
    assert torch.equal(ours(x)[0], fused(x)[0])
    assert not type(ours(x)[0].grad_fn).__name__.startswith("Lstm")


def test_one_sequence_without_a_batch_is_taken_as_torch_takes_it():
    fused, ours = like_torch(torch.float64, batch_first=True)
    x, hx = torch.randn(9, 5, dtype=torch.float64), tuple(torch.randn(1, 7, dtype=torch.float64) for _ in "hc")
    for expected, found in zip((fused(x, hx)[0], *fused(x, hx)[1]), (ours(x, hx)[0], *ours(x, hx)[1]), strict=True):
        torch.testing.assert_close(found, expected)


def test_dropout_between_layers_is_drawn_in_training_only():
    ours = LSTM(3, 4, 2, dropout=0.5, peephole=True)
    x = torch.randn(6, 2, 3)
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval()
    assert torch.equal(ours(x)[0], ours(x)[0])


@pytest.mark.parametrize("variant", [*VARIANTS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_variant_follows_its_equations_unit_by_unit(variant, dtype):
    torch.manual_seed(1)
    module = LSTM(3, 4, variant=variant, peephole=variant != "NP", dtype=dtype)
    x, h, c = torch.randn(6, 3, dtype=dtype), torch.randn(1, 4, dtype=dtype), torch.randn(1, 4, dtype=dtype)
    with torch.no_grad():
        outputs, (_, c_last) = module(x, (h, c))
    parts = {name.removesuffix("_l0"): weight.detach().double().numpy() for name, weight in module.named_parameters()}
    letters = lstm_oracle.forward(
        x.double().numpy(),
        parts["weight_ih"],
        parts["weight_hh"],
        parts["bias_ih"] + parts["bias_hh"],
        parts.get("weight_peephole", np.zeros((3, 4))),
        h[0].double().numpy(),
        c[0].double().numpy(),
        variant,
        parts.get("weight_gates"),
    )
    np.testing.assert_allclose(outputs.numpy(), letters["y"], atol=1e-6 if dtype == torch.float32 else 1e-13)
    np.testing.assert_allclose(c_last[0].numpy(), letters["c"][-1], atol=2e-6 if dtype == torch.float32 else 1e-13)


def test_the_gradients_are_those_of_the_articles_equations():
    torch.manual_seed(2)
    module = LSTM(3, 4, peephole=True, dtype=torch.float64)
    x = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    d_above = torch.randn(6, 4, dtype=torch.float64)
    (module(x)[0] * d_above).sum().backward()
    W, R, p = (getattr(module, f"weight_{name}_l0").detach().numpy() for name in ("ih", "hh", "peephole"))
    b = (module.bias_ih_l0 + module.bias_hh_l0).detach().numpy()
    letters = lstm_oracle.forward(x.detach().numpy(), W, R, b, p, np.zeros(4), np.zeros(4))
    expected = lstm_oracle.backward(x.detach().numpy(), W, R, p, np.zeros(4), np.zeros(4), letters, d_above.numpy())
    found = {
        "W": module.weight_ih_l0,
        "R": module.weight_hh_l0,
        "b": module.bias_hh_l0,
        "p": module.weight_peephole_l0,
        "x": x,
    }
    for letter, gradient in expected.items():
        np.testing.assert_allclose(found[letter].grad.numpy(), gradient, atol=1e-13, err_msg=letter)


@pytest.mark.parametrize("settings", [{"peephole": True}, {"variant": "CIFG", "layer_norm": True}])
def test_state_carried_over_chunks_gives_what_the_whole_gives(settings):
    torch.manual_seed(4)
    module = LSTM(3, 5, 2, dtype=torch.float64, **settings)
    x = torch.randn(12, 2, 3, dtype=torch.float64)
    whole, (h_whole, c_whole) = module(x)
    parts, state = [], None
    for chunk in x.split(5):
        outputs, state = module(chunk, state)
        parts.append(outputs)
    torch.testing.assert_close(torch.cat(parts), whole)
    torch.testing.assert_close(state, (h_whole, c_whole))
    # Without cutting the state off, the gradient flows through the chunks too.
    by_whole, by_parts = (
        torch.autograd.grad(loss.square().sum(), module.weight_hh_l0) for loss in (whole, torch.cat(parts))
    )
    torch.testing.assert_close(by_parts, by_whole)


def test_a_state_may_be_used_twice_and_is_not_changed():
    torch.manual_seed(5)
    module = LSTM(3, 4, peephole=True, dtype=torch.float64)
    first, second, hx = (
        torch.randn(4, 2, 3).double(),
        torch.randn(6, 2, 3).double(),
        [torch.randn(1, 2, 4).double() for _ in "hc"],
    )
    kept = copy.deepcopy(hx)
    state = tuple(part.requires_grad_() for part in hx)
    (both,) = torch.autograd.grad(module(first, state)[0].sum() + module(second, state)[0].sum(), state[:1])
    (one,), (other,) = (torch.autograd.grad(module(steps, state)[0].sum(), state[:1]) for steps in (first, second))
    torch.testing.assert_close(both, one + other)
    assert all(torch.equal(found, expected) for found, expected in zip(hx, kept, strict=True))


def test_the_graph_may_be_gone_back_through_twice():
    module = LSTM(3, 4, peephole=True)
    loss = module(torch.randn(4, 2, 3))[0].sum()
    first, second = (torch.autograd.grad(loss, module.weight_hh_l0, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_threads_share_sequences_and_change_no_output(monkeypatch):
    monkeypatch.setattr(lstm_layer, "LEAST_WORK", 1)
    torch.manual_seed(6)
    module = LSTM(40, 64, peephole=True)
    steps = pack_padded_sequence(
        torch.randn(30, 37, 40), torch.randint(1, 31, (37,)).index_fill(0, torch.tensor(0), 30), enforce_sorted=False
    )
    found = []
    for n in (1, 2, 3):
        with torch_threads(n):
            outputs = module(steps)[0].data
            found.append([outputs.detach(), *torch.autograd.grad(outputs.square().sum(), list(module.parameters()))])
    for one, *others in zip(*found, strict=True):
        for other in others:
            # Torch's large products are cut otherwise.
            torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-5 * float(one.abs().max()))


def test_the_forget_bias_is_what_was_asked_for():
    for module in (LSTM(3, 4, 2, forget_bias=1.0), LSTM(3, 4, 2, forget_bias=1.0, peephole=True)):
        both = module.bias_ih_l1 + module.bias_hh_l1
        assert torch.equal(both[4:8], torch.ones(4))
        assert not torch.equal(both[:4], torch.ones(4))
        module.reset_parameters()
        assert torch.equal((module.bias_ih_l0 + module.bias_hh_l0)[4:8], torch.ones(4))


def test_normalised_layers_do_not_see_the_scale_of_their_input():
    torch.manual_seed(7)
    module = LSTM(6, 8, layer_norm=True, bias=False, dtype=torch.float64)
    x = torch.randn(5, 3, 6, dtype=torch.float64)
    torch.testing.assert_close(module(1e3 * x)[0], module(1e5 * x)[0], rtol=1e-4, atol=1e-6)


def test_rounded_products_lose_two_or_three_digits():
    torch.manual_seed(8)
    module = LSTM(16, 32, peephole=True)
    rounded = LSTM(16, 32, peephole=True, products=torch.bfloat16)
    rounded.load_state_dict(module.state_dict())
    x = torch.randn(10, 4, 16)
    difference = (module(x)[0] - rounded(x)[0]).abs().max()
    assert 1e-5 < difference < 1e-2


@pytest.mark.parametrize(
    ("steps", "state", "error", "message"),
    [
        (torch.zeros(0, 2, 3), None, RuntimeError, "sequence length to be larger than 0"),
        (torch.zeros(4, 2, 5), None, RuntimeError, "must be equal to input_size"),
        (torch.zeros(3), None, ValueError, "2D or 3D"),
        (torch.zeros(4, 2, 3), (torch.zeros(1, 1, 4), torch.zeros(1, 2, 4)), RuntimeError, "Expected hidden"),
        (torch.zeros(4, 3), (torch.zeros(1, 1, 4), torch.zeros(1, 1, 4)), RuntimeError, "unbatched"),
    ],
)
def test_bad_input_is_refused_as_torch_refuses_it(steps, state, error, message):
    for module in (nn.LSTM(3, 4), LSTM(3, 4, peephole=True)):
        with pytest.raises(error, match=message):
            module(steps, state)


def test_no_sequences_give_no_outputs():
    outputs, (h, c) = LSTM(3, 4, peephole=True)(torch.zeros(5, 0, 3))
    assert outputs.shape == (5, 0, 4)
    assert h.shape == c.shape == (1, 0, 4)


def test_a_missing_number_stays_in_its_own_sequence():
    x = torch.randn(5, 3, 2)
    x[2, 1] = torch.nan
    outputs = LSTM(2, 4, peephole=True)(x)[0]
    assert torch.isnan(outputs[2:, 1]).all()
    assert torch.isfinite(outputs[:2]).all()
    assert torch.isfinite(outputs[:, [0, 2]]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proj_size": 2}, "proj_size is not supported"),
        ({"variant": "GRU"}, "no LSTM variant is called 'GRU'"),
        ({"variant": "NP", "peephole": True}, "no peepholes"),
        ({"forget_bias": 1.0, "bias": False}, "needs bias=True"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LSTM(3, 4, **settings)


@pytest.mark.parametrize(
    ("variant", "rows"), [("NIG", slice(0, 4)), ("NFG", slice(4, 8)), ("CIFG", slice(4, 8)), ("NOG", slice(12, 16))]
)
def test_weights_keep_torch_layout_and_those_of_a_missing_gate_get_no_gradient(variant, rows):
    module = LSTM(3, 4, variant=variant)
    nn.LSTM(3, 4).load_state_dict(module.state_dict())
    module(torch.randn(5, 2, 3))[0].sum().backward()
    is_zero = (module.weight_hh_l0.grad == 0).all(dim=1)
    assert is_zero[rows].all()
    assert is_zero.sum() == 4
