"""A place inside kernels where threads wait for each other, without the interpreter and without its lock.

`gate` is a uint64 array of one number, 0 before the first use, that counts all arrivals ever. With n threads the first to arrive
waits until the count is a whole multiple of n again. Everything written before is seen by all after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from models.kernel_cache import kernel_part

PATIENCE = 2_000  # looks at the gate before the processor is offered to others: some microseconds, our choice
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


@_intrinsic
def _add_one(typing: Any, gate: Any) -> Any:  # noqa: ARG001
    """Count one arrival; the count before it."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, operands[0]).data
        return builder.atomic_rmw("add", counter, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.uint64(gate), build


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


@kernel_part
def meet(gate: Any, n_threads: int) -> None:
    """Return once all n threads have come here as often as this one."""
    if n_threads == 1:
        return
    threads = np.uint64(n_threads)
    complete = (_add_one(gate) // threads + np.uint64(1)) * threads
    looks = 0
    while _look(gate) < complete:
        looks += 1
        if looks > PATIENCE:
            _let_others_run()
