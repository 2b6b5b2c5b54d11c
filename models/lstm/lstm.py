"""An LSTM that stands in the place of `torch.nn.LSTM`, with peepholes, the variants of "LSTM: A Search Space Odyssey"
and layer normalisation.

Constructor, call, shapes, errors, packed sequences and state dictionary are torch's. Where nothing special is asked,
torch's own fused kernel runs; otherwise `models.lstm.layer`, whose backward pass is written by hand (equations in
`models.lstm.steps`). A gradient of a gradient is not there for the special cases, nor projections (`proj_size`).

Parameters beside torch's, each ending in `_l{layer}` and `_reverse` like those, where they are asked for
    weight_peephole (3, H)      by unit, of the gates i, f, o
    weight_gates (3H, 3H)       full gate recurrence: to i, f, o from i, f, o of the step before
    norm_x, norm_s (4H)         layer normalisation: gains of W x and R y
    norm_c, norm_c_shift (H)    and gain and shift of the cell inside the output activation
A variant that lacks a gate keeps torch's layout: the rows of that gate stay what they are, with gradient 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from models.lstm.layer import Layout, LstmLayer
from models.lstm.variants import Form, form_of
from models.training.runtime import choose_device

State = tuple[Tensor, Tensor]
GATE_WEIGHTS, PEEPHOLES, NORMS = "weight_gates", "weight_peephole", ("norm_x", "norm_s", "norm_c", "norm_c_shift")


class LSTM(nn.LSTM):
    """Layers of LSTM: takes (T, B, I), (B, T, I) with `batch_first`, (T, I) or a PackedSequence, and (h, c); gives
    outputs of that kind, and (h, c).

    `peephole`: gates see the cell. `variant`: a name of `models.lstm.variants.VARIANTS`, with or without peepholes.
    `forget_bias`: what the forget gate's bias starts at (both of torch's biases together; None: at random like the
    others). `layer_norm`: Ba et al. 2016. `products`: torch.bfloat16 rounds what goes into products (compiled: into
    those before and after the loop over time); sums and states stay as they are. With full gate recurrence (FGR) every
    call begins with gates of 0 before its first step: (h, c) do not carry them. `device` "auto" is the graphics
    processor where there is one. ValueError where settings contradict each other; RuntimeError for shapes that do not
    fit, as torch.
    """

    def __init__(  # noqa: PLR0917  # torch's order
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002  # torch's signature
        batch_first: bool = False,  # noqa: FBT001, FBT002
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        peephole: bool = False,
        variant: str = "vanilla",
        forget_bias: float | None = None,
        layer_norm: bool = False,
        products: torch.dtype | None = None,
    ) -> None:
        if proj_size:
            raise ValueError("proj_size is not supported: leave it out, or take torch.nn.LSTM")
        if forget_bias is not None and not bias:
            raise ValueError("forget_bias needs bias=True")
        form = form_of(variant, peephole=peephole)
        device = choose_device(device) if isinstance(device, str) else device
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.variant, self.form, self.forget_bias, self.products = variant, form, forget_bias, products
        self.is_fused = form == Form() and not layer_norm and products is None
        H, like = hidden_size, {"device": device, "dtype": dtype}
        shapes: dict[str, tuple[int, ...]] = {}
        if form.has_peephole:
            shapes[PEEPHOLES] = (3, H)
        if form.has_gate_recurrence:
            shapes[GATE_WEIGHTS] = (3 * H, 3 * H)
        if layer_norm:
            shapes |= dict(zip(NORMS, ((4 * H,), (4 * H,), (H,), (H,)), strict=True))
        for ending in self._endings():
            for name, shape in shapes.items():
                self.register_parameter(name + ending, nn.Parameter(torch.empty(shape, **like)))  # type: ignore[arg-type]
        self._reset_special(nn.init.uniform_)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform in ±1 / sqrt(H) as torch; gains 1, shifts 0, the forget bias as asked."""
        super().reset_parameters()
        if hasattr(self, "form"):  # torch's constructor calls this before there is anything special
            self._reset_special(None)

    def forward(self, input: Tensor | PackedSequence, hx: State | None = None) -> tuple[Any, State]:  # noqa: A002
        """Outputs of the last layer at every step, and the last (h, c) of all layers and directions (L * D, B, H)."""
        if self.is_fused:
            return super().forward(input, hx)
        if isinstance(input, PackedSequence):
            state = self._first_state(
                input.data, int(input.batch_sizes[0]), hx, input.sorted_indices, input.batch_sizes
            )
            data, last = self._run(input.data, tuple(input.batch_sizes.tolist()), state)
            packed = PackedSequence(data, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            return packed, _ordered(last, input.unsorted_indices)
        if input.dim() not in {2, 3}:
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.dim()}D instead")
        is_batched = input.dim() == 3
        if not is_batched:
            for part, letter in zip(hx or (), "hc", strict=False):
                if part.dim() != 2:
                    raise RuntimeError(
                        f"For unbatched 2-D input, {letter}x should also be 2-D but got {part.dim()}-D tensor"
                    )
            hx = None if hx is None else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))
        steps = (input if is_batched else input.unsqueeze(1)).transpose(0, 1 if self.batch_first and is_batched else 0)
        if not len(steps):
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        n_steps, n_sequences = steps.shape[:2]
        state = self._first_state(steps.transpose(0, 1) if self.batch_first else steps, n_sequences, hx, None, None)
        data, last = self._run(steps.flatten(0, 1), (n_sequences,) * n_steps, state)
        outputs = data.view(n_steps, n_sequences, data.shape[1])
        if not is_batched:
            return outputs[:, 0], (last[0][:, 0], last[1][:, 0])
        return (outputs.transpose(0, 1) if self.batch_first else outputs), last

    def extra_repr(self) -> str:
        """Torch's settings, and the special ones."""
        special = f"variant={self.variant}, peephole={self.form.has_peephole}, layer_norm={hasattr(self, 'norm_x_l0')}"
        return f"{super().extra_repr()}, {special}"

    def _endings(self) -> list[str]:
        """Endings of parameters' names, by layer and direction in the order of the states."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [f"_l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]

    def _reset_special(self, draw: Any) -> None:
        bound = self.hidden_size**-0.5
        with torch.no_grad():
            for ending in self._endings():
                for name in (PEEPHOLES, GATE_WEIGHTS):
                    if draw is not None and hasattr(self, name + ending):
                        draw(getattr(self, name + ending), -bound, bound)
                if hasattr(self, NORMS[0] + ending):
                    for name in NORMS:
                        nn.init.constant_(getattr(self, name + ending), 0.0 if name.endswith("shift") else 1.0)
                if self.forget_bias is not None:
                    of_forget_gate = slice(self.hidden_size, 2 * self.hidden_size)
                    getattr(self, f"bias_ih{ending}")[of_forget_gate] = self.forget_bias
                    getattr(self, f"bias_hh{ending}")[of_forget_gate] = 0.0

    def _first_state(
        self, data: Tensor, n_sequences: int, hx: State | None, order: Tensor | None, batch_sizes: Tensor | None
    ) -> State:
        """The state before the first step, checked, with sequences in the order of the data."""
        if hx is None:
            zeros = data.new_zeros(len(self._endings()), n_sequences, self.hidden_size)
            hx, order = (zeros, zeros), None
        self.check_forward_args(data, hx, batch_sizes)
        return _ordered(hx, order)

    def _run(self, data: Tensor, sizes: tuple[int, ...], state: State) -> tuple[Tensor, State]:
        """Outputs (N, D * H) of the last layer and the last state, for packed `data` (N, I)."""
        lasts: list[State] = []
        endings = iter(self._endings())
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                data = nn.functional.dropout(data, self.dropout)
            outputs = []
            for is_reverse in (False, True) if self.bidirectional else (False,):
                ending, place = next(endings), len(lasts)
                y, h, c = self._run_layer(data, Layout(sizes, is_reverse), state[0][place], state[1][place], ending)
                outputs.append(y)
                lasts.append((h, c))
            data = torch.cat(outputs, dim=1) if self.bidirectional else outputs[0]
        if len(lasts) == 1:  # without copies
            return data, (lasts[0][0][None], lasts[0][1][None])
        h_all, c_all = zip(*lasts, strict=True)
        return data, (torch.stack(h_all), torch.stack(c_all))

    def _run_layer(
        self, data: Tensor, layout: Layout, h: Tensor, c: Tensor, ending: str
    ) -> tuple[Tensor, Tensor, Tensor]:
        def weight(name: str) -> Tensor | None:
            return self._parameters.get(name + ending)

        b = getattr(self, f"bias_ih{ending}") + getattr(self, f"bias_hh{ending}") if self.bias else None
        weights = weight("weight_ih"), weight("weight_hh"), b, *map(weight, (PEEPHOLES, GATE_WEIGHTS, *NORMS))
        return LstmLayer.apply(data, h, c, *weights, self.form, layout, self.products)  # type: ignore[no-untyped-call]


def _ordered(state: State, order: Tensor | None) -> State:
    """The states of sequences in another order."""
    return state if order is None else (state[0].index_select(1, order), state[1].index_select(1, order))
