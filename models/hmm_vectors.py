"""Eight float64 numbers at a time inside numba kernels, as explicit machine vectors: a lane is a sequence.

    a, b, c   vectors of 8 float64 (one AVX-512 register; LLVM splits them where registers are narrower)
    x         a single float64
    rows      a flat float64 array; `at` is an index into it, in numbers, and 8 numbers from there must be inside

With explicit vectors a sum over states stays in one register for eight sequences at once; numba does not find that by itself.
Nothing checks bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

N_LANES = 8
VECTOR = ir.VectorType(ir.DoubleType(), N_LANES)
BYTES_OF_NUMBER = 8


class VectorType(types.Type):
    """The numba type of eight float64 lanes."""

    def __init__(self) -> None:
        super().__init__(name="vector_8_float64")


LANES = VectorType()
_declare: Callable[..., Any] = cgutils.get_or_insert_function
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, VECTOR)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    numbers = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(numbers.data, [at]), VECTOR.as_pointer())


def _fma(builder: Any, operands: Any) -> Any:
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    return builder.call(_declare(builder.module, kind, "llvm.fma.v8f64"), operands)


def _choose(builder: Any, operands: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", operands[0], operands[1]), operands[2], operands[3])


@_intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """The sum a + b."""
    return LANES(LANES, LANES), lambda context, builder, signature, operands: builder.fadd(*operands)  # noqa: ARG005


@_intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """The product a * b."""
    return LANES(LANES, LANES), lambda context, builder, signature, operands: builder.fmul(*operands)  # noqa: ARG005


@_intrinsic
def divide(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """The quotient a / b."""
    return LANES(LANES, LANES), lambda context, builder, signature, operands: builder.fdiv(*operands)  # noqa: ARG005


@_intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """The sum a * b + c, rounded once."""
    return LANES(LANES, LANES, LANES), lambda context, builder, signature, operands: _fma(builder, operands)  # noqa: ARG005


@_intrinsic
def choose(typing: Any, a: Any, bound: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """Lanes of b where a > bound (never where a is NaN), else c."""
    return LANES(LANES, LANES, LANES, LANES), lambda context, builder, signature, operands: _choose(builder, operands)  # noqa: ARG005


@_intrinsic
def has_below(typing: Any, a: Any, bound: Any) -> Any:  # noqa: ARG001
    """Whether any lane of a is below its bound."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        is_below = builder.bitcast(builder.fcmp_ordered("<", *operands), ir.IntType(N_LANES))
        return builder.icmp_unsigned("!=", is_below, ir.Constant(ir.IntType(N_LANES), 0))

    return types.boolean(LANES, LANES), build


@_intrinsic
def load(typing: Any, rows: Any, at: Any) -> Any:  # noqa: ARG001
    """The vector `rows[at : at + 8]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *operands), align=BYTES_OF_NUMBER)

    return LANES(rows, types.int64), build


@_intrinsic
def store(typing: Any, rows: Any, at: Any, a: Any) -> Any:  # noqa: ARG001
    """A vector to `rows[at : at + 8]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        builder.store(operands[2], _address(context, builder, signature.args[0], *operands[:2]), align=BYTES_OF_NUMBER)
        return context.get_dummy_value()

    return types.void(rows, types.int64, LANES), build


@_intrinsic
def splat(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """A vector whose lanes all hold x."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        undefined = ir.Constant(VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, operands[0], ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), N_LANES), [0] * N_LANES)
        return builder.shuffle_vector(first, undefined, places)

    return LANES(types.float64), build
