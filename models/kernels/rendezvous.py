"""Threads inside kernels that share work and wait for each other, without the interpreter and without its lock.

gate    (16,) uint64, all 0 before the first use, see `make_gate`
gate[0] counts all arrivals ever: with n threads each that arrives waits until the count is a whole multiple of n
gate[8] counts the pieces of work claimed; on a cache line of its own
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from models.kernels.kernel_cache import kernel_part

ARRIVED, CLAIMED = 0, 8
PATIENCE = 2_000  # looks at the gate before the processor is offered to others: some microseconds, our choice
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


@_intrinsic
def _add_one(typing: Any, gate: Any, place: Any) -> Any:  # noqa: ARG001
    """Count one up at a place; the count before it."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        counters = context.make_array(signature.args[0])(context, builder, operands[0]).data
        return builder.atomic_rmw(
            "add", builder.gep(counters, [operands[1]]), ir.Constant(ir.IntType(64), 1), "seq_cst"
        )

    return types.uint64(gate, types.int64), build


@_intrinsic
def _look(typing: Any, gate: Any) -> Any:  # noqa: ARG001
    """The count of arrivals now."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, operands[0]).data
        return builder.load_atomic(counter, "seq_cst", 8)

    return types.uint64(gate), build


@_intrinsic
def _let_others_run(typing: Any) -> Any:  # noqa: ARG001
    """Give the processor away for a moment (POSIX sched_yield)."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        kind = ir.FunctionType(ir.IntType(32), [])
        declare: Any = cgutils.get_or_insert_function
        builder.call(declare(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), build


def make_gate() -> np.ndarray:
    """A gate that nobody has come to yet."""
    return np.zeros(16, np.uint64)


@kernel_part
def claim(gate: Any) -> Any:
    """The next piece of work that no thread has claimed since the last `reopen`, from 0."""
    return np.int64(_add_one(gate, CLAIMED))


@kernel_part
def reopen(gate: Any) -> None:
    """Let pieces be claimed from 0 again; to be called by one thread, between two meetings."""
    gate[CLAIMED] = 0


@kernel_part
def meet(gate: Any, n_threads: int) -> None:
    """Return once all n threads have come here as often as this one; what each wrote before is seen by all after."""
    if n_threads == 1:
        return
    threads = np.uint64(n_threads)
    complete = (_add_one(gate, ARRIVED) // threads + np.uint64(1)) * threads
    looks = 0
    while _look(gate) < complete:
        looks += 1
        if looks > PATIENCE:
            _let_others_run()
