"""How far back in time a loss reaches: the norm of its gradient by the states of earlier steps. Shows gradients that
vanish and explode.

    J(t)        a loss at step t: outputs of the last layer there, each times a direction drawn by chance
    h(t - k)    state k steps before: h of all layers of a simple RNN; h and c of an LSTM
    curve[k]    root of the mean over sequences of |d J(t) / d h(t - k)|^2, all layers together

For a simple RNN the gradient is multiplied by W' diag(g'(a)) at every step back, so it shrinks or grows by powers;
along the cells of an LSTM it is multiplied by the forget gates (article 000, section 3; Pascanu et al. 2013, section
2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class GradientFlow:
    """Norms by lag k = 0..t, float64 (t + 1,): of the gradient by output h, and by cell c (None for a simple RNN)."""

    by_h: np.ndarray
    by_c: np.ndarray | None


def gradient_flow(module: nn.RNNBase, inputs: Tensor, seed: int = 0) -> GradientFlow:
    """How strongly the loss at the last step of `inputs` (T, B, I), or (B, T, I) if the module has `batch_first`,
    depends on earlier states.

    `module`: simple RNN or LSTM of any number of layers, in one direction; it is called step by step, its dropout
    switched off, and left as it was. A gradient of 1 by every unit of the last output, in root mean square, is what the
    curve starts from. Full gate recurrence (FGR) is not carried from call to call, so what goes back by gates alone is
    left out. ValueError for two directions or fewer than one step.
    """
    steps = inputs.transpose(0, 1) if module.batch_first else inputs
    if module.bidirectional:
        raise ValueError("in two directions the last step is also the first: take a module in one direction")
    if not len(steps):
        raise ValueError("there is no step to look at")
    was_training = module.training
    module.eval()
    try:
        states, output = _states(module, steps)
    finally:
        module.train(was_training)
    direction = torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(output)
    loss = (output * direction).sum()
    flat = [part for state in states for part in state]
    # Of c at the last step only through h, and not at all in some variants.
    gradients = torch.autograd.grad(loss, flat, allow_unused=True)
    n_parts = len(states[0])
    curves = [_curve(gradients[part::n_parts], inputs.shape[0 if module.batch_first else 1]) for part in range(n_parts)]
    return GradientFlow(curves[0], curves[1] if n_parts == 2 else None)


def _states(module: nn.RNNBase, steps: Tensor) -> tuple[list[tuple[Tensor, ...]], Tensor]:
    """The states (h,) or (h, c) after every step, each a node of the graph, and the last output (B, H)."""
    state: Any = None
    states: list[tuple[Tensor, ...]] = []
    with torch.enable_grad():
        for step in steps:
            one_step = step[:, None] if module.batch_first else step[None]
            _, state = module(one_step, state)
            states.append(state if isinstance(state, tuple) else (state,))
        # The last layer's h, not the output: that is another node of the graph, and the gradient by h would be 0 at lag
        # 0.
        return states, states[-1][0][-1]


def _curve(gradients: tuple[Tensor | None, ...], n_sequences: int) -> np.ndarray:
    """Norms by lag: 0 where nothing flowed."""
    squares = [0.0 if gradient is None else float(gradient.double().square().sum()) for gradient in gradients]
    return np.sqrt(np.array(squares[::-1]) / n_sequences)
