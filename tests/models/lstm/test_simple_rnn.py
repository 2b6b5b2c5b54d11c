"""The simple RNN of the articles."""

import pytest
import torch
from torch import nn

from models.lstm.layer import Layout
from models.lstm.simple_rnn import SimpleRNN, SimpleRnnLayer


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_equations_give_what_torch_gives_with_its_gradients(nonlinearity):
    torch.manual_seed(0)
    theirs = nn.RNN(3, 4, nonlinearity=nonlinearity, dtype=torch.float64)
    lengths = torch.tensor([5, 3, 3, 1])
    x = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 4, 3, dtype=torch.float64), lengths)
    h = torch.randn(1, 4, 4, dtype=torch.float64, requires_grad=True)
    outputs, last = theirs(x, h)
    weights = [h, *theirs.parameters()]
    b = theirs.bias_ih_l0 + theirs.bias_hh_l0
    layout = Layout(tuple(x.batch_sizes.tolist()))
    found, found_last = SimpleRnnLayer.apply(
        x.data, h[0], theirs.weight_ih_l0, theirs.weight_hh_l0, b, nonlinearity, layout
    )
    torch.testing.assert_close((found, found_last), (outputs.data, last[0]))
    expected = torch.autograd.grad(outputs.data.square().sum() + last.sum(), weights)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum() + found_last.sum(), weights), expected)


def test_torch_itself_runs_where_nothing_special_is_asked():
    torch.manual_seed(1)
    theirs = nn.RNN(3, 4, 2, bidirectional=True)
    ours = SimpleRNN(3, 4, 2, bidirectional=True)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(6, 2, 3)
    assert torch.equal(ours(x)[0], theirs(x)[0])


@pytest.mark.parametrize("batch_first", [False, True])
def test_gradients_with_the_identity_are_those_of_finite_differences(batch_first):
    torch.manual_seed(2)
    module = SimpleRNN(2, 3, 2, "identity", batch_first=batch_first, dtype=torch.float64)
    x, h = (
        torch.randn(4, 4, 2, dtype=torch.float64, requires_grad=True),
        torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True),
    )
    assert torch.autograd.gradcheck(lambda x, h, *_: module(x, h), (x, h, *module.parameters()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nonlinearity": "sine"}, "no nonlinearity is called 'sine'"),
        ({"nonlinearity": "identity", "bidirectional": True}, "one direction"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SimpleRNN(2, 3, **settings)


def test_the_identity_refuses_what_it_cannot_take():
    module = SimpleRNN(2, 3, nonlinearity="identity")
    with pytest.raises(TypeError, match="three axes"):
        module(torch.zeros(4, 2))
    with pytest.raises(RuntimeError, match="input_size"):
        module(torch.zeros(4, 1, 5))
