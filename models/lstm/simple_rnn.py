"""A simple (Elman) recurrent layer in the place of `torch.nn.RNN`, whose own kernel runs for tanh and ReLU; the
identity is ours.

Letters of the articles (and of Goodfellow et al. 2016, section 10.2): x(t) input, h(t) state, U weights of inputs, W
recurrent weights, b both biases, g the activation, a the numbers before it, J the loss, d_ the gradient of J

    a(t) = b + W h(t-1) + U x(t)                h(t) = g(a(t))
    d_h(t) = d_h from above + W' d_a(t+1)       d_a(t) = d_h(t) * g'(a(t)),    tanh' = 1 - h^2
    d_U = sum d_a(t) x(t)'    d_W = sum d_a(t) h(t-1)'    d_b = sum d_a(t)    d_x(t) = U' d_a(t)

The gradient of a loss at step t by the state k steps before, W' diag(g'(a)) k times over, shrinks or grows by powers:
`models.lstm.gradient_flow` shows it. With the identity it is W' to the power k exactly.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from models.lstm.layer import Layout
from models.lstm.product import product

ACTIVATIONS = ("tanh", "relu", "identity")
"""Values of `nonlinearity`. Of h = g(a) alone, g' is 1 - h^2, h > 0, 1."""


class SimpleRnnLayer(torch.autograd.Function):
    """States (N, H) at all steps and the last of every sequence (B, H): a layer in one direction over packed steps."""

    @staticmethod
    def forward(  # noqa: PLR0917  # torch gives no keyword arguments
        ctx: Any, x: Tensor, h_first: Tensor, U: Tensor, W: Tensor, b: Tensor | None, g: str, layout: Layout
    ) -> tuple[Tensor, Tensor]:
        """`b` None: no biases. `g`: one of ACTIVATIONS."""
        a = product(x, U.t(), bias=b)
        h_now, h_before = h_first.clone(), torch.empty_like(a)
        for n, rows in layout.steps():
            h_before[rows] = h_now[:n]
            h = a[rows] + product(h_now[:n], W.t())
            a[rows] = h_now[:n] = torch.tanh(h) if g == "tanh" else torch.relu(h) if g == "relu" else h
        ctx.save_for_backward(x, U, W, b, a, h_before)
        ctx.settings = (g, layout)
        return a, h_now

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_above: Tensor, dh_last: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by everything that `forward` takes."""
        x, U, W, b, h, h_before = ctx.saved_tensors
        g, layout = ctx.settings
        da, dh_now = torch.empty_like(h), dh_last.clone()
        slope = 1 - h * h if g == "tanh" else (h > 0).to(h.dtype) if g == "relu" else torch.ones_like(h)
        for n, rows in reversed(layout.steps()):
            da[rows] = (d_above[rows] + dh_now[:n]) * slope[rows]
            dh_now[:n] = product(da[rows], W)
        dx = product(da, U) if ctx.needs_input_grad[0] else None
        return (
            dx,
            dh_now,
            product(da.t(), x),
            product(da.t(), h_before),
            None if b is None else da.sum(dim=0),
            None,
            None,
        )


class SimpleRNN(nn.RNN):
    """Layers of simple recurrent units: constructor, call, shapes and state dictionary of `torch.nn.RNN`, with one more
    `nonlinearity`.

    "identity" takes (T, B, I), or (B, T, I) with `batch_first`, in one direction; everything else is torch's.
    ValueError for another nonlinearity, and for the identity in both directions; TypeError for the identity and packed
    sequences.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", **settings: Any
    ) -> None:
        if nonlinearity not in ACTIVATIONS:
            raise ValueError(f"no nonlinearity is called {nonlinearity!r}: choose one of {', '.join(ACTIVATIONS)}")
        if nonlinearity == "identity" and settings.get("bidirectional"):
            raise ValueError("the identity goes in one direction only: leave out bidirectional, or choose tanh")
        known = "tanh" if nonlinearity == "identity" else nonlinearity
        super().__init__(input_size, hidden_size, num_layers, nonlinearity=known, **settings)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:  # noqa: A002  # torch's name
        """States of the last layer at every step, and the last states of all layers (L, B, H)."""
        if self.nonlinearity != "identity":
            return super().forward(input, hx)
        if not (isinstance(input, Tensor) and input.dim() == 3):
            raise TypeError("the identity takes a batch of sequences as one tensor with three axes")
        steps = input.transpose(0, 1) if self.batch_first else input
        n_steps, n_sequences = steps.shape[:2]
        if hx is None:
            hx = steps.new_zeros(self.num_layers, n_sequences, self.hidden_size)
        self.check_forward_args(input, hx, None)
        data, layout, lasts = steps.flatten(0, 1), Layout((n_sequences,) * n_steps), []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                data = nn.functional.dropout(data, self.dropout)
            U, W = getattr(self, f"weight_ih_l{layer}"), getattr(self, f"weight_hh_l{layer}")
            b = getattr(self, f"bias_ih_l{layer}") + getattr(self, f"bias_hh_l{layer}") if self.bias else None
            data, last = SimpleRnnLayer.apply(data, hx[layer], U, W, b, self.nonlinearity, layout)  # type: ignore[no-untyped-call]
            lasts.append(last)
        outputs = data.view(n_steps, n_sequences, self.hidden_size)
        return (outputs.transpose(0, 1) if self.batch_first else outputs), torch.stack(lasts)
