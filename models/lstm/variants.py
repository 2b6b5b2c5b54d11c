"""The LSTM and its eight variants in Greff et al., "LSTM: A Search Space Odyssey" (2017, section III, appendix)."""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """What a cell has; kernels take it as it is. `models.lstm.steps` gives the equations."""

    has_input_gate: bool = True
    has_forget_gate: bool = True
    has_output_gate: bool = True
    has_input_activation: bool = True
    has_output_activation: bool = True
    is_coupled: bool = False
    """The forget gate is 1 - the input gate."""
    has_gate_recurrence: bool = False
    """The gates are fed by the gates of the step before."""
    has_peephole: bool = False
    """The gates are fed by the cell."""


VARIANTS = {
    "vanilla": Form(),
    "NIG": Form(has_input_gate=False),
    "NFG": Form(has_forget_gate=False),
    "NOG": Form(has_output_gate=False),
    "NIAF": Form(has_input_activation=False),
    "NOAF": Form(has_output_activation=False),
    "CIFG": Form(is_coupled=True),
    "NP": Form(),
    "FGR": Form(has_gate_recurrence=True),
}
"""By the paper's names: no input gate, no forget gate, no output gate, no input or output activation function, coupled
input and forget gate, no peepholes, full gate recurrence. A gate that is not there is always open: 1.
"""


def form_of(variant: str, *, peephole: bool) -> Form:
    """The cell asked for. ValueError for a variant that the paper lacks, and for NP, no peepholes, with peepholes."""
    if variant not in VARIANTS:
        raise ValueError(f"no LSTM variant is called {variant!r}: choose one of {', '.join(VARIANTS)}")
    if variant == "NP" and peephole:
        raise ValueError("the variant NP has no peepholes: leave out peephole=True, or choose another variant")
    return VARIANTS[variant]._replace(has_peephole=peephole)
