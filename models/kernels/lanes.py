"""Sixteen float32 numbers at a time inside numba kernels, as explicit machine vectors.

    a, b, c   lanes: 16 float32 values, one AVX-512 register (LLVM splits them where registers are narrower)
    x         a single float32
    rows      a flat float32 array; `at` is an index into it, in numbers, and 16 numbers from there must be inside

numba vectorises sums of products only when allowed to reorder them, and not the register tiles that the kernels here
need. With explicit lanes the order of every addition is written down, so that results do not depend on what the
compiler makes of a loop. Nothing checks bounds. Where the processor has no fused multiply-add, `fma` is exact but slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from models.kernels.kernel_cache import kernel_part

N_LANES = LANES_WIDTH = 16
VECTOR = ir.VectorType(ir.FloatType(), N_LANES)
INTEGERS = ir.VectorType(ir.IntType(32), N_LANES)


class LanesType(types.Type):
    """The numba type of sixteen float32 lanes."""

    def __init__(self) -> None:
        super().__init__(name="lanes_16_float32")


LANES = LanesType()
_declare: Callable[..., Any] = cgutils.get_or_insert_function
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, VECTOR)  # type: ignore[no-untyped-call]


def lanes_width(n: int) -> int:
    """The least multiple of sixteen that is not below n."""
    return -(-n // N_LANES) * N_LANES


def aligned_zeros(*shape: int) -> np.ndarray:
    """Float32 zeros that begin at a multiple of 64 bytes: lanes across such a boundary take twice as long."""
    numbers = np.zeros(math.prod(shape) + N_LANES, np.float32)
    first = -numbers.ctypes.data % (4 * N_LANES) // 4
    return numbers[first : first + math.prod(shape)].reshape(shape)


def _address(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    numbers = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(numbers.data, [at]), VECTOR.as_pointer())


def _lanewise(instruction: Callable[..., Any], n_operands: int) -> Any:
    """An intrinsic that takes `n_operands` lanes to lanes by `instruction(builder, operands)`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        return instruction(builder, operands)

    signature = LANES(*(LANES,) * n_operands)
    if n_operands == 1:
        return intrinsic(lambda typing, a: (signature, build))  # noqa: ARG005
    if n_operands == 2:
        return intrinsic(lambda typing, a, b: (signature, build))  # noqa: ARG005
    return intrinsic(lambda typing, a, b, c: (signature, build))  # noqa: ARG005


def _llvm(name: str, n_operands: int) -> Callable[..., Any]:
    """A call of LLVM's own function `llvm.<name>` on whole vectors."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * n_operands)
    return lambda builder, operands: builder.call(_declare(builder.module, kind, f"llvm.{name}.v16f32"), operands)


add = _lanewise(lambda builder, operands: builder.fadd(*operands), 2)
subtract = _lanewise(lambda builder, operands: builder.fsub(*operands), 2)
multiply = _lanewise(lambda builder, operands: builder.fmul(*operands), 2)
divide = _lanewise(lambda builder, operands: builder.fdiv(*operands), 2)
larger = _lanewise(_llvm("maxnum", 2), 2)
smaller = _lanewise(_llvm("minnum", 2), 2)
fma = _lanewise(_llvm("fma", 3), 3)  # a * b + c, rounded once
magnitude = _lanewise(_llvm("fabs", 1), 1)
square_root = _lanewise(_llvm("sqrt", 1), 1)
nearest_integer = _lanewise(_llvm("rint", 1), 1)


def _power_of_two(builder: Any, operands: Any) -> Any:
    # IEEE 754's bias.
    exponent = builder.add(builder.fptosi(operands[0], INTEGERS), ir.Constant(INTEGERS, [127] * N_LANES))
    # Above 23 bits of fraction.
    return builder.bitcast(builder.shl(exponent, ir.Constant(INTEGERS, [23] * N_LANES)), VECTOR)


def _choose(builder: Any, operands: Any) -> Any:
    is_negative = builder.fcmp_ordered("<", operands[0], ir.Constant(VECTOR, [0.0] * N_LANES))
    return builder.select(is_negative, operands[1], operands[2])


power_of_two = _lanewise(_power_of_two, 1)  # 2 ** a for whole numbers a from -126 to 127
choose = _lanewise(_choose, 3)  # b where a < 0, else c


@_intrinsic
def load(typing: Any, rows: Any, at: Any) -> Any:  # noqa: ARG001
    """Lanes from `rows[at : at + 16]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *operands), align=4)

    return LANES(rows, types.int64), build


@_intrinsic
def store(typing: Any, rows: Any, at: Any, a: Any) -> Any:  # noqa: ARG001
    """Lanes to `rows[at : at + 16]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        builder.store(operands[2], _address(context, builder, signature.args[0], *operands[:2]), align=4)
        return context.get_dummy_value()

    return types.void(rows, types.int64, LANES), build


@_intrinsic
def fetch_ahead(typing: Any, rows: Any, at: Any) -> Any:  # noqa: ARG001
    """Ask the processor for the cache line of rows[at], which may lie outside; nothing is read."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        numbers = context.make_array(signature.args[0])(context, builder, operands[0])
        pointer, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        declared = _declare(
            builder.module, ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag]), "llvm.prefetch.p0"
        )
        # To read, to be kept in all caches, data: LLVM language reference, llvm.prefetch.
        builder.call(
            declared,
            [builder.bitcast(builder.gep(numbers.data, [operands[1]]), pointer), *(flag(x) for x in (0, 3, 1))],
        )
        return context.get_dummy_value()

    return types.void(rows, types.int64), build


@_intrinsic
def splat(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Lanes that all hold x."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        undefined = ir.Constant(VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, operands[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(INTEGERS, [0] * N_LANES))

    return LANES(types.float32), build


@_intrinsic
def only_first(typing: Any, a: Any, n: Any) -> Any:  # noqa: ARG001
    """Lanes 0 to n - 1 of a, and 0 in the others; n may be below 0 or above 16."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        places = ir.Constant(INTEGERS, [*range(N_LANES)])
        undefined = ir.Constant(INTEGERS, ir.Undefined)
        bound = builder.insert_element(
            undefined, builder.trunc(operands[1], ir.IntType(32)), ir.Constant(ir.IntType(32), 0)
        )
        bound = builder.shuffle_vector(bound, undefined, ir.Constant(INTEGERS, [0] * N_LANES))
        return builder.select(
            builder.icmp_signed("<", places, bound), operands[0], ir.Constant(VECTOR, [0.0] * N_LANES)
        )

    return LANES(LANES, types.int64), build


@_intrinsic
def total(typing: Any, a: Any) -> Any:  # noqa: ARG001
    """The sum of the lanes as a float32, added as a balanced tree: lane i with lane i + 8, then i + 4, i + 2, i + 1."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        (lanes,) = operands
        for width in (8, 4, 2, 1):
            undefined = ir.Constant(lanes.type, ir.Undefined)
            halves = [
                builder.shuffle_vector(
                    lanes, undefined, ir.Constant(ir.VectorType(ir.IntType(32), width), [*range(first, first + width)])
                )
                for first in (0, width)
            ]
            lanes = builder.fadd(*halves)
        return builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))

    return types.float32(LANES), build


LOG2_E = 1 / math.log(2)
# 2 ** r for |r| <= 1/2: the next term is below 1.2e-7.
EXP2_SERIES = tuple(math.log(2) ** k / math.factorial(k) for k in range(7))


@kernel_part
def exp_of_negative(a: Any) -> Any:
    """Powers e ** a for lanes a <= 0, to 6 digits; below -87 the smallest normal float32 instead of smaller numbers."""
    exponent = larger(multiply(a, splat(np.float32(LOG2_E))), splat(np.float32(-126)))
    whole = nearest_integer(exponent)
    r = subtract(exponent, whole)
    power = splat(np.float32(EXP2_SERIES[6]))
    power = fma(power, r, splat(np.float32(EXP2_SERIES[5])))
    power = fma(power, r, splat(np.float32(EXP2_SERIES[4])))
    power = fma(power, r, splat(np.float32(EXP2_SERIES[3])))
    power = fma(power, r, splat(np.float32(EXP2_SERIES[2])))
    power = fma(power, r, splat(np.float32(EXP2_SERIES[1])))
    power = fma(power, r, splat(np.float32(1)))
    return multiply(power, power_of_two(whole))


@kernel_part
def log_of_one_plus(a: Any) -> Any:
    """ln(1 + a) for lanes a from 0 to 1: 2 artanh(s), s = a / (2 + a) <= 1/3, by its series to s ** 13, to 1e-8."""
    s = divide(a, add(a, splat(np.float32(2))))
    square = multiply(s, s)
    series = splat(np.float32(1 / 13))
    series = fma(series, square, splat(np.float32(1 / 11)))
    series = fma(series, square, splat(np.float32(1 / 9)))
    series = fma(series, square, splat(np.float32(1 / 7)))
    series = fma(series, square, splat(np.float32(1 / 5)))
    series = fma(series, square, splat(np.float32(1 / 3)))
    series = fma(series, square, splat(np.float32(1)))
    return multiply(add(s, s), series)
