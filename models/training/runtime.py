"""What of PyTorch is global (threads, generators, the device), borrowed for a while and given back as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch


@contextmanager
def torch_threads(n_threads: int = 1) -> Iterator[None]:
    """Within, PyTorch uses so many threads: sums in another order would give the same seed other last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Within, PyTorch's global generators (initial weights, dropout) start from `seed`; after it they are restored."""
    with torch.random.fork_rng(devices=[device] if torch.device(device).type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; for `auto` a GPU where there is one, else the processor."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def to_device(value: Any, device: torch.device) -> Any:
    """`value` with every tensor in it, in tuples, lists, mappings and dataclasses too, on `device`; the rest as is."""
    if hasattr(value, "to"):  # tensors and packed sequences
        return value.to(device)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: to_device(getattr(value, field.name), device) for field in fields(value)})
    if isinstance(value, Mapping):
        return {key: to_device(item, device) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_device(item, device) for item in value)
    return value


def detached(state: Any) -> Any:
    """A recurrent state (tensor, None, or tuples and lists of such) cut off from what it was computed from."""
    if isinstance(state, torch.Tensor):
        return state.detach()
    if isinstance(state, list | tuple):
        return type(state)(detached(part) for part in state)
    return state
