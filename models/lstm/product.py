"""Products of matrices for recurrent layers: small ones inside numba kernels, large ones through torch.

    A   rows of a matrix (n, K), flat, `width` numbers from row to row
    B   the matrix (K, N) as panels: `panels(B)` cuts it into strips of PANEL columns, each strip K rows that lie one
        after another
    C   A B (n, N rounded up to whole panels), flat

A recurrent layer multiplies a small A by the same B at every step. Library calls take longer over that than over the
arithmetic (MKL 90, oneDNN 120 of 250 GFLOP/s on the processor where this was measured), and their threads would meet at
every step. Here a tile of C stays in vector registers while k runs from 0 to K, so the order of every addition is
written down: the product of a row does not depend on which other rows are there, nor on the number of threads. Both
float32 and float64.
"""

# Kernels know no keyword-only arguments; an intrinsic gets types by name, and the values in its builder's operands.
# ruff: noqa: PLR0917, ARG001
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from models.kernels.kernel_cache import kernel_part

# A tile's sums, a row of B and one number of A must fit the vector registers: 32 of 64 bytes with AVX-512, else at
# least 16 of 32. Measured with AVX-512: 8 x 2 vectors 250 GFLOP/s, 8 x 3 and 6 x 4 and 4 x 6 from 130 to 235.
VECTOR_BYTES, TILE_ROWS, TILE_VECTORS = (64, 8, 2) if binding.get_host_cpu_features().get("avx512f") else (32, 6, 2)
LEAST_WORK = 2**20
"""Multiplications below which calling oneDNN, some 0.1 ms, takes longer than it saves. Measured."""
INTEGER = ir.IntType(64)
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic
_declare: Callable[..., Any] = cgutils.get_or_insert_function
_variable: Callable[..., Any] = cgutils.alloca_once


def tile_rows(n: int) -> int:
    """The least number of rows in whole tiles that is not below n."""
    return -(-n // TILE_ROWS) * TILE_ROWS


def panel_width(dtype: np.dtype) -> int:
    """Columns in a panel."""
    return TILE_VECTORS * VECTOR_BYTES // dtype.itemsize


def panels(B: np.ndarray) -> np.ndarray:
    """The matrix B (K, N) as panels (n_panels, K, PANEL), filled up with columns of zeros; float32 or float64."""
    width = panel_width(B.dtype)
    n_panels = -(-B.shape[1] // width)
    filled = np.zeros((B.shape[0], n_panels * width), B.dtype)
    filled[:, : B.shape[1]] = B
    return np.ascontiguousarray(filled.reshape(B.shape[0], n_panels, width).swapaxes(0, 1))


@_intrinsic
def multiply_tile(
    typing: Any, A: Any, a_at: Any, width: Any, B: Any, b_at: Any, C: Any, c_at: Any, c_width: Any, K: Any
) -> Any:
    """Fill a tile of C, from `c_at`, with the product of TILE_ROWS rows of A at `a_at` and a panel of B at `b_at`."""
    n_lanes = VECTOR_BYTES // (A.dtype.bitwidth // 8)

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        number = context.get_value_type(A.dtype)
        vector = ir.VectorType(number, n_lanes)
        undefined = ir.Constant(vector, ir.Undefined)
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), n_lanes), [0] * n_lanes)
        fma = _declare(builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{n_lanes}f{A.dtype.bitwidth}")
        a, a_at, width, b, b_at, c, c_at, c_width, K = operands
        a, b, c = (
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip((signature.args[0], signature.args[3], signature.args[5]), (a, b, c), strict=True)
        )

        def place(begin: Any, step: Any, times: int, more: int = 0) -> Any:
            return builder.add(builder.add(begin, builder.mul(step, INTEGER(times))), INTEGER(more))

        def lanes_at(array: Any, at: Any) -> Any:
            return builder.bitcast(builder.gep(array, [at]), vector.as_pointer())

        # LLVM keeps these variables in registers.
        sums = [[_variable(builder, vector) for _ in range(TILE_VECTORS)] for _ in range(TILE_ROWS)]
        for variable in (variable for row in sums for variable in row):
            builder.store(ir.Constant(vector, [0.0] * n_lanes), variable)
        with cgutils.for_range(builder, K) as loop:
            begin = place(b_at, loop.index, TILE_VECTORS * n_lanes)
            b_lanes = [
                builder.load(lanes_at(b, place(begin, begin, 0, v * n_lanes)), align=4) for v in range(TILE_VECTORS)
            ]
            for r, row in enumerate(sums):
                x = builder.load(builder.gep(a, [builder.add(place(a_at, width, r), loop.index)]))
                x = builder.shuffle_vector(
                    builder.insert_element(undefined, x, ir.IntType(32)(0)), undefined, everywhere
                )
                for lanes, variable in zip(b_lanes, row, strict=True):
                    builder.store(builder.call(fma, [x, lanes, builder.load(variable)]), variable)
        for r, row in enumerate(sums):
            for v, variable in enumerate(row):
                builder.store(builder.load(variable), lanes_at(c, place(c_at, c_width, r, v * n_lanes)), align=4)
        return context.get_dummy_value()

    i = types.int64
    return types.void(A, i, i, B, i, C, i, i, i), build


@kernel_part
def multiply(A: Any, n: int, B: Any, C: Any) -> None:
    """Fill C with A B for the first n rows of A, and further ones up to a whole tile, which must be there in both."""
    n_panels, K, width = B.shape
    for panel in range(n_panels):
        for row in range(0, n, TILE_ROWS):
            multiply_tile(
                A, row * K, K, B, panel * K * width, C, row * n_panels * width + panel * width, n_panels * width, K
            )


def product(
    A: torch.Tensor, B: torch.Tensor, precision: torch.dtype | None = None, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """A B + bias by torch, of numbers rounded to `precision` first (None: as they are), in the type of A.

    float32 on the processor goes through oneDNN, which uses wider vectors than `torch.mm` does on processors of AMD
    (220 against 90 GFLOP/s).
    """
    if precision is not None:
        rounded = (A.to(precision) @ B.to(precision)).to(A.dtype)
        return rounded if bias is None else rounded + bias
    is_large = A.shape[0] * A.shape[1] * B.shape[1] >= LEAST_WORK
    if is_large and A.device.type == "cpu" and A.dtype == torch.float32 and _linear is not None:
        return _linear(A, B.t(), bias, "none", [], "")
    return A @ B if bias is None else torch.addmm(bias, A, B)


def _find_linear() -> Callable[..., torch.Tensor] | None:
    """The operation by which torch's compiler calls oneDNN; None where this torch was built without."""
    if not (hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return None
    return torch.ops.mkldnn._linear_pointwise  # noqa: SLF001


_linear = _find_linear()
