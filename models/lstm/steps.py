"""The equations of an LSTM layer, forward and backward, in torch operations: any device and dtype, layer norm.

Letters of Greff et al., "LSTM: A Search Space Odyssey" (2017), and of the articles that this project goes by
    x(t)            input (I)             y(t)  output (H)            c(t)  cell (H)
    i, f, z, o      input gate, forget gate, block input, output gate (H each), with a bar before their activation
    W, R, b         weights of inputs (4H, I), recurrent weights (4H, H), biases (4H), in torch's order i, f, z, o
    p               peepholes (3, H): of i, f, o
    *, sigma        product by unit, logistic function;  d_ before a letter: the gradient of the loss by it

Forward, step by step                                   Backward, last step first
    ibar = W_i x(t) + R_i y(t-1) + p_i * c(t-1) + b_i       d_y    = d_y from above + R' d_bar(t+1)
    fbar = W_f x(t) + R_f y(t-1) + p_f * c(t-1) + b_f       d_obar = d_y * tanh(c) * o (1 - o)
    zbar = W_z x(t) + R_z y(t-1) + b_z                      d_c    = d_y * o * (1 - tanh(c)^2) + p_o * d_obar
    i, f, z = sigma(ibar), sigma(fbar), tanh(zbar)                   + p_i * d_ibar(t+1) + p_f * d_fbar(t+1)
                                                                     + d_c(t+1) * f(t+1)
    c    = z * i + c(t-1) * f                               d_ibar = d_c * z * i (1 - i)
    obar = W_o x(t) + R_o y(t-1) + p_o * c(t) + b_o         d_fbar = d_c * c(t-1) * f (1 - f)
    o    = sigma(obar);  y = o * tanh(c)                    d_zbar = d_c * i * (1 - z^2)

After the loop, with sums over all steps: d_W = sum d_bar x', d_R = sum d_bar y(t-1)', d_b = sum d_bar, d_x = W' d_bar,
d_p_i = sum d_ibar * c(t-1), d_p_f = sum d_fbar * c(t-1), d_p_o = sum d_obar * c(t).

Variants: a gate that is missing is 1, its gradient 0; an activation that is missing is the identity. Coupled gates:
f = 1 - i. Full gate recurrence: s(t) = [y, i, f, o](t) (4H) takes the place of y in R y(t-1), and R is (4H, 4H) with
zeros from gates to z; gates before the first step are 0. Otherwise s = y. Layer normalisation (Ba et al. 2016,
equations 20 to 22): W x and R s, each over its 4H numbers, and the c inside tanh, over its H, become gain * norm(v),
the last plus a shift; the first two shifts would only add to b.

Arrays: steps lie one after another as in torch's PackedSequence: step t has `sizes[t]` rows, from `begins[t]` on, N in
all, longest sequences first. `s` (B, S) and `c_now` (B, H) hold the newest state of every sequence: the first before
the loop, the last after it, and backward the gradients likewise. In `gates` the loop finds W x + b and leaves i, f, z,
o (N, 4H); `inputs[:, I:]` gets s(t-1), `c_before` c(t-1).
"""

# ruff: noqa: PLR0917  # the same arguments as the kernels, which know no keyword-only ones
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.lstm.product import product
from models.lstm.variants import Form

TINY = 1e-5
"""Added to a variance, as in `torch.nn.LayerNorm`."""


class Norm(NamedTuple):
    """Gains of W x and R s (4H), gain and shift of c (H), and what the backward pass needs of the forward one."""

    gain_x: Tensor
    gain_s: Tensor
    gain_c: Tensor
    shift_c: Tensor


def normalise(v: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of v with mean 0 and variance 1, and by what they were multiplied (n, 1)."""
    centred = v - v.mean(dim=-1, keepdim=True)
    scale = torch.rsqrt((centred * centred).mean(dim=-1, keepdim=True) + TINY)
    return centred * scale, scale


def normalise_backward(d: Tensor, normal: Tensor, scale: Tensor) -> Tensor:
    """The gradient by v, from that by `normal, scale = normalise(v)`."""
    return scale * (d - d.mean(dim=-1, keepdim=True) - normal * (d * normal).mean(dim=-1, keepdim=True))


def steps_in_order(begins: list[int], sizes: list[int], *, is_reverse: bool) -> list[tuple[int, slice]]:
    """Number of rows and their places, step by step, in the order in which the layer reads."""
    steps = [(size, slice(begin, begin + size)) for begin, size in zip(begins, sizes, strict=True)]
    return steps[::-1] if is_reverse else steps


def forward_steps(
    gates: Tensor,
    R: Tensor,
    p: Tensor,
    form: Form,
    norm: Norm | None,
    steps: list[tuple[int, slice]],
    s: Tensor,
    c_now: Tensor,
    inputs: Tensor,
    n_inputs: int,
    c_before: Tensor,
    outputs: Tensor,
    precision: torch.dtype | None,
) -> None:
    """Fill `gates`, `inputs[:, n_inputs:]`, `c_before` and `outputs`, and take `s` and `c_now` forward."""
    for n, rows in steps:
        c = c_now[:n]
        inputs[rows, n_inputs:] = s[:n]
        c_before[rows] = c
        Rs = product(s[:n], R.t(), precision)
        bars = gates[rows] + (Rs if norm is None else norm.gain_s * normalise(Rs)[0])
        i, f, z, o = bars.chunk(4, dim=1)
        if form.has_peephole:
            i = i + p[0] * c
            f = f + p[1] * c
        i = torch.sigmoid(i) if form.has_input_gate else torch.ones_like(i)
        f = torch.sigmoid(f) if form.has_forget_gate else torch.ones_like(f)
        if form.is_coupled:
            f = 1 - i
        z = torch.tanh(z) if form.has_input_activation else z
        c = z * i + c * f
        if form.has_peephole:
            o = o + p[2] * c
        o = torch.sigmoid(o) if form.has_output_gate else torch.ones_like(o)
        h = c if norm is None else norm.gain_c * normalise(c)[0] + norm.shift_c
        y = o * (torch.tanh(h) if form.has_output_activation else h)
        gates[rows] = torch.cat([i, f, z, o], dim=1)
        outputs[rows] = y
        c_now[:n] = c
        s[:n] = torch.cat([y, i, f, o], dim=1) if form.has_gate_recurrence else y


def backward_steps(
    d_outputs: Tensor,
    gates: Tensor,
    inputs: Tensor,
    n_inputs: int,
    c_before: Tensor,
    R: Tensor,
    p: Tensor,
    form: Form,
    norm: Norm | None,
    steps: list[tuple[int, slice]],
    ds: Tensor,
    dc_now: Tensor,
    d_gates: Tensor,
    d_products: Tensor,
    dp: Tensor,
    d_norm: Norm | None,
    precision: torch.dtype | None,
) -> None:
    """Fill `d_gates`, by the gates before activation, and `d_products`, by R s; add to `dp` and `d_norm`; take `ds` and
    `dc_now` back.

    Without layer normalisation `d_products` may be `d_gates`.
    """
    H = dc_now.shape[1]
    for n, rows in reversed(steps):
        i, f, z, o = gates[rows].chunk(4, dim=1)
        c_then = c_before[rows]
        c = z * i + c_then * f
        if norm is not None:
            normal_c, scale_c = normalise(c)
            h = norm.gain_c * normal_c + norm.shift_c
        else:
            h = c
        h = torch.tanh(h) if form.has_output_activation else h
        dy = d_outputs[rows] + ds[:n, :H]
        di, df, do = (ds[:n, k * H : (k + 1) * H] if form.has_gate_recurrence else 0 for k in (1, 2, 3))
        do = (do + dy * h) * o * (1 - o) if form.has_output_gate else torch.zeros_like(o)
        dh = dy * o * (1 - h * h) if form.has_output_activation else dy * o
        if norm is not None and d_norm is not None:
            d_norm.gain_c.add_((dh * normal_c).sum(dim=0))
            d_norm.shift_c.add_(dh.sum(dim=0))
            dh = normalise_backward(dh * norm.gain_c, normal_c, scale_c)
        dc = dc_now[:n] + dh
        if form.has_peephole:
            dc = dc + p[2] * do
            dp[2] += (do * c).sum(dim=0)
        di = di + dc * z
        df = df + dc * c_then
        dz = dc * i
        if form.is_coupled:
            di, df = di - df, torch.zeros_like(f)
        di = di * i * (1 - i) if form.has_input_gate else torch.zeros_like(i)
        df = df * f * (1 - f) if form.has_forget_gate else torch.zeros_like(f)
        dz = dz * (1 - z * z) if form.has_input_activation else dz
        dc = dc * f
        if form.has_peephole:
            dc = dc + p[0] * di + p[1] * df
            dp[0] += (di * c_then).sum(dim=0)
            dp[1] += (df * c_then).sum(dim=0)
        d = torch.cat([di, df, dz, do], dim=1)
        d_gates[rows] = d
        if norm is not None and d_norm is not None:
            normal, scale = normalise(product(inputs[rows, n_inputs:], R.t(), precision))
            d_norm.gain_s.add_((d * normal).sum(dim=0))
            d = normalise_backward(d * norm.gain_s, normal, scale)
            d_products[rows] = d
        dc_now[:n] = dc
        ds[:n] = product(d, R, precision)
