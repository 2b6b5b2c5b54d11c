"""One layer of an LSTM, in one direction, as a function that torch can differentiate; its backward pass is
`models.lstm.steps`, by hand.

All inputs are multiplied by their weights in one product before the loop over time, and all gradients of weights come
from one after it. float32 and float64 on the processor without layer normalisation run compiled, and several threads
share the sequences of a batch; they need not meet before the end. Everything else runs the same equations in torch
operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.lstm import kernels as lstm_kernels
from models.lstm import steps as lstm_steps
from models.lstm.product import panels, product, tile_rows
from models.lstm.steps import Norm
from models.lstm.threads import run_shares

LEAST_WORK = 2**23
"""Multiplications in a pass that are worth another thread, some 0.1 ms, measured on a quiet machine."""


@dataclass(frozen=True)
class Layout:
    """Where the steps of a packed batch are: `sizes[t]` rows at step t, never rising; from the end if `is_reverse`."""

    sizes: tuple[int, ...]
    is_reverse: bool = False

    @property
    def begins(self) -> np.ndarray:
        """Place of the first row of each step."""
        return np.cumsum((0, *self.sizes[:-1]))

    def steps(self) -> list[tuple[int, slice]]:
        """Number of rows and their places by step, as `models.lstm.steps` takes them."""
        return lstm_steps.steps_in_order(self.begins.tolist(), list(self.sizes), is_reverse=self.is_reverse)

    def shares(self, n_threads: int) -> list[tuple[int, int]]:
        """At most `n_threads` ranges of sequences with about as many steps each, cut at whole tiles of products."""
        if n_threads == 1 or not self.sizes[0]:
            return [(0, self.sizes[0])]
        lengths = (np.asarray(self.sizes)[None, :] > np.arange(self.sizes[0])[:, None]).sum(axis=1)
        done = np.cumsum(lengths) / lengths.sum()
        cuts = {
            min(tile_rows(int(np.searchsorted(done, share / n_threads)) + 1), self.sizes[0])
            for share in range(1, n_threads)
        }
        return list(pairwise(sorted(cuts | {0, self.sizes[0]})))


class LstmLayer(torch.autograd.Function):
    """Outputs (N, H), last y (B, H) and last c (B, H) of one layer in one direction."""

    @staticmethod
    def forward(  # noqa: PLR0917  # torch gives no keyword arguments
        ctx: Any,
        x: Tensor,
        y_first: Tensor,
        c_first: Tensor,
        W: Tensor,
        R: Tensor,
        b: Tensor | None,
        p: Tensor | None,
        gate_weights: Tensor | None,
        *norm_and_settings: Any,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`norm_and_settings`: the four of `Norm` or None each, Form, Layout, precision of products (None: as x)."""
        *norm_weights, form, layout, precision = norm_and_settings
        norm = None if norm_weights[0] is None else Norm(*norm_weights)
        (n_rows, n_inputs), H = x.shape, y_first.shape[1]
        if gate_weights is not None:
            R = torch.cat([R, _spread(gate_weights, H)], dim=1)
        s = torch.nn.functional.pad(y_first, (0, R.shape[1] - H)) if gate_weights is not None else y_first.clone()
        c_now = c_first.clone(memory_format=torch.contiguous_format)
        p = x.new_zeros(3, H) if p is None else p.contiguous()
        inputs = x.new_empty(n_rows, n_inputs + R.shape[1])
        inputs[:, :n_inputs] = x
        c_before, outputs = x.new_empty(n_rows, H), x.new_empty(n_rows, H)
        if norm is None:
            gates = product(x, W.t(), precision, b)
        else:
            gates = norm.gain_x * lstm_steps.normalise(product(x, W.t(), precision))[0] + (0 if b is None else b)
        if is_compiled(x, norm):
            order = layout.begins, np.asarray(layout.sizes), layout.is_reverse
            given = _numpy(gates), panels(_numpy(R).T), _numpy(p), form, *order
            filled = _numpy(s), _numpy(c_now), _numpy(inputs), n_inputs, _numpy(c_before), _numpy(outputs)

            def run(first: int, beyond: int) -> None:
                lstm_kernels.forward_steps(*given, first, beyond, *filled)

            run_shares(run, layout.shares(_n_threads(n_rows * R.numel())))
        else:
            rounded, steps = R if precision is None else R.to(precision), layout.steps()
            lstm_steps.forward_steps(
                gates, rounded, p, form, norm, steps, s, c_now, inputs, n_inputs, c_before, outputs, precision
            )
        ctx.save_for_backward(W, R, b, p, gate_weights, gates, inputs, c_before, *norm_weights)
        ctx.settings = (form, layout, precision, n_inputs)
        return outputs, s[:, :H].contiguous(), c_now

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, dy_last: Tensor, dc_last: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by everything that `forward` takes."""
        W, R, b, p, gate_weights, gates, inputs, c_before, *norm_weights = ctx.saved_tensors
        form, layout, precision, n_inputs = ctx.settings
        norm = None if norm_weights[0] is None else Norm(*norm_weights)
        d_norm = None if norm is None else Norm(*(torch.zeros_like(weight) for weight in norm))
        H = c_before.shape[1]
        ds = torch.nn.functional.pad(dy_last, (0, R.shape[1] - H)).contiguous()
        dc_now = dc_last.clone(memory_format=torch.contiguous_format)
        d_gates = torch.empty_like(gates)
        d_products = d_gates if norm is None else torch.empty_like(gates)
        dp, db = torch.zeros_like(p), torch.zeros_like(W[:, 0])
        if is_compiled(gates, norm):
            order = layout.begins, np.asarray(layout.sizes), layout.is_reverse
            known = _numpy(d_outputs.contiguous()), _numpy(gates), _numpy(c_before)
            given = *known, panels(_numpy(R)), _numpy(p), form, *order
            filled = _numpy(ds), _numpy(dc_now), _numpy(d_gates)
            sums: dict[int, tuple[np.ndarray, np.ndarray]] = {}

            def run(first: int, beyond: int) -> None:
                sums[first] = np.zeros_like(_numpy(dp)), np.zeros_like(_numpy(db))
                lstm_kernels.backward_steps(*given, first, beyond, *filled, *sums[first])

            run_shares(run, layout.shares(_n_threads(gates.shape[0] * R.numel())))
            for first in sorted(sums):
                dp += torch.from_numpy(sums[first][0])
                db += torch.from_numpy(sums[first][1])
        else:
            rounded, steps = R if precision is None else R.to(precision), layout.steps()
            above = d_outputs, gates, inputs, n_inputs, c_before
            lstm_steps.backward_steps(
                *above, rounded, p, form, norm, steps, ds, dc_now, d_gates, d_products, dp, d_norm, precision
            )
            db = d_gates.sum(dim=0)
        x = inputs[:, :n_inputs]
        if norm is None or d_norm is None:
            d_weights = product(inputs.t(), d_gates, precision).t()
            dW, dR, d_Wx = d_weights[:, :n_inputs], d_weights[:, n_inputs:], d_gates
        else:
            normal, scale = lstm_steps.normalise(product(x, W.t(), precision))
            d_norm.gain_x.copy_((d_gates * normal).sum(dim=0))
            d_Wx = lstm_steps.normalise_backward(d_gates * norm.gain_x, normal, scale)
            dW = product(x.t(), d_Wx, precision).t()
            dR = product(inputs[:, n_inputs:].t(), d_products, precision).t()
        dx = product(d_Wx, W, precision) if ctx.needs_input_grad[0] else None
        d_gate_weights = None if gate_weights is None else _gather(dR[:, H:], H)
        d_b, d_p = None if b is None else db, dp if form.has_peephole else None
        d_norm_weights = d_norm or (None,) * 4
        return dx, ds[:, :H], dc_now, dW, dR[:, :H], d_b, d_p, d_gate_weights, *d_norm_weights, None, None, None


def is_compiled(x: Tensor, norm: Norm | None) -> bool:
    """Whether kernels run the steps."""
    return x.device.type == "cpu" and x.dtype in {torch.float32, torch.float64} and norm is None


def _n_threads(n_multiplications: int) -> int:
    """How many threads a pass is worth."""
    return min(torch.get_num_threads(), 1 + n_multiplications // LEAST_WORK)


def _numpy(tensor: Tensor) -> np.ndarray:
    """The same numbers."""
    return tensor.detach().numpy()


def _spread(gate_weights: Tensor, H: int) -> Tensor:
    """Weights from gates to gates (3H, 3H), of i, f, o, as rows of i, f, z, o: zeros for z."""
    return torch.cat([gate_weights[: 2 * H], torch.zeros_like(gate_weights[:H]), gate_weights[2 * H :]])


def _gather(d: Tensor, H: int) -> Tensor:
    """The rows of i, f, o of `d` (4H, 3H)."""
    return torch.cat([d[: 2 * H], d[3 * H :]])
