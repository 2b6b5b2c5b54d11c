"""Eight float64 numbers at a time inside numba kernels, as explicit machine vectors: a lane is a sequence, or a row of
data.

    a, b, c   vectors of 8 float64 (one AVX-512 register; LLVM splits them where registers are narrower)
    x         a single float64
    rows      a flat float64 array; `at` is an index into it, in numbers, and 8 numbers from there must be inside

With explicit vectors a sum over states stays in one register for eight sequences at once; numba does not find that by
itself. Nothing checks bounds.
"""
# ruff: noqa: PLR0917  # kernels know no keyword-only arguments

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from models.kernels.kernel_cache import kernel_part

N_LANES = 8
VECTOR = ir.VectorType(ir.DoubleType(), N_LANES)
INTEGERS = ir.VectorType(ir.IntType(64), N_LANES)
PLACES = ir.VectorType(ir.IntType(32), N_LANES)
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


def _lanewise(instruction: Callable[..., Any], n_operands: int) -> Any:
    """An intrinsic that takes `n_operands` vectors to a vector by `instruction(builder, operands)`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        return instruction(builder, operands)

    signature = LANES(*(LANES,) * n_operands)
    if n_operands == 1:
        return intrinsic(lambda typing, a: (signature, build))  # noqa: ARG005
    if n_operands == 2:
        return intrinsic(lambda typing, a, b: (signature, build))  # noqa: ARG005
    if n_operands == 3:
        return intrinsic(lambda typing, a, b, c: (signature, build))  # noqa: ARG005
    return intrinsic(lambda typing, a, b, c, d: (signature, build))  # noqa: ARG005


def _llvm(name: str, n_operands: int) -> Callable[..., Any]:
    """A call of LLVM's own function `llvm.<name>` on whole vectors."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * n_operands)
    return lambda builder, operands: builder.call(_declare(builder.module, kind, f"llvm.{name}.v8f64"), operands)


def _choose(builder: Any, operands: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", operands[0], operands[1]), operands[2], operands[3])


def _power_of_two(builder: Any, operands: Any) -> Any:
    # IEEE 754's bias.
    exponent = builder.add(builder.fptosi(operands[0], INTEGERS), ir.Constant(INTEGERS, [1023] * N_LANES))
    # Above 52 bits of fraction.
    return builder.bitcast(builder.shl(exponent, ir.Constant(INTEGERS, [52] * N_LANES)), VECTOR)


add = _lanewise(lambda builder, operands: builder.fadd(*operands), 2)
subtract = _lanewise(lambda builder, operands: builder.fsub(*operands), 2)
multiply = _lanewise(lambda builder, operands: builder.fmul(*operands), 2)
divide = _lanewise(lambda builder, operands: builder.fdiv(*operands), 2)
fma = _lanewise(_llvm("fma", 3), 3)  # a * b + c, rounded once
nearest_integer = _lanewise(_llvm("rint", 1), 1)
power_of_two = _lanewise(_power_of_two, 1)  # 2 ** a for whole numbers a from -1022 to 1023
choose = _lanewise(_choose, 4)  # c where a > b (never where one is NaN), else d


@_intrinsic
def has_below(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Whether any lane of a is below that of b."""

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
        return builder.shuffle_vector(first, undefined, ir.Constant(PLACES, [0] * N_LANES))

    return LANES(types.float64), build


@_intrinsic
def turn(typing: Any, rows: Any, places: Any, offset: Any, turned: Any, at: Any) -> Any:  # noqa: ARG001
    """To `turned[at + 8 * k + lane]` the number `rows[places[lane] + offset + k]`: a square of 8 on its side."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        rows, places, offset, turned, at = operands
        place_numbers = context.make_array(signature.args[1])(context, builder, places).data
        lines = []
        for lane in range(N_LANES):
            place = builder.load(builder.gep(place_numbers, [ir.Constant(ir.IntType(64), lane)]))
            address = _address(context, builder, signature.args[0], rows, builder.add(place, offset))
            lines.append(builder.load(address, align=BYTES_OF_NUMBER))
        for bit in (
            1,
            2,
            4,
        ):  # lines that differ by one bit of their number exchange the numbers that differ by the same bit
            for k in (k for k in range(N_LANES) if not k & bit):
                low = [N_LANES + (i ^ bit) if i & bit else i for i in range(N_LANES)]
                high = [N_LANES + i if i & bit else i ^ bit for i in range(N_LANES)]
                pair = lines[k], lines[k | bit]
                lines[k], lines[k | bit] = (
                    builder.shuffle_vector(*pair, ir.Constant(PLACES, which)) for which in (low, high)
                )
        for k, line in enumerate(lines):
            to = builder.add(at, ir.Constant(ir.IntType(64), k * N_LANES))
            builder.store(line, _address(context, builder, signature.args[3], turned, to), align=BYTES_OF_NUMBER)
        return context.get_dummy_value()

    return types.void(rows, places, types.int64, turned, types.int64), build


def _dealt(builder: Any, vectors: list[Any], wanted: list[tuple[int, int]]) -> Any:
    """A vector whose lanes are the `wanted` ones (number of the vector, lane) of `vectors`."""
    dealt = ir.Constant(VECTOR, ir.Undefined)
    for source in sorted({number for number, _ in wanted}):
        which = [N_LANES + lane if number == source else here for here, (number, lane) in enumerate(wanted)]
        dealt = builder.shuffle_vector(dealt, vectors[source], ir.Constant(PLACES, which))
    return dealt


def _deal(*, is_back: bool) -> Callable[..., Any]:
    """What builds `_to_columns`, or the way back."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        _, taken, at, left, to, width = operands
        n_columns = signature.args[0].count
        strides = (ir.Constant(ir.IntType(64), N_LANES), width)
        taken_stride, left_stride = reversed(strides) if is_back else strides
        vectors = [
            builder.load(
                _address(
                    context,
                    builder,
                    signature.args[1],
                    taken,
                    builder.add(at, builder.mul(ir.Constant(ir.IntType(64), n), taken_stride)),
                ),
                align=BYTES_OF_NUMBER,
            )
            for n in range(n_columns)
        ]
        for n in range(n_columns):
            if is_back:
                wanted = [
                    ((n * N_LANES + lane) % n_columns, (n * N_LANES + lane) // n_columns) for lane in range(N_LANES)
                ]
            else:
                wanted = [divmod(lane * n_columns + n, N_LANES) for lane in range(N_LANES)]
            place = builder.add(to, builder.mul(ir.Constant(ir.IntType(64), n), left_stride))
            builder.store(
                _dealt(builder, vectors, wanted),
                _address(context, builder, signature.args[3], left, place),
                align=BYTES_OF_NUMBER,
            )
        return context.get_dummy_value()

    return build


@_intrinsic
def _to_columns(typing: Any, columns: Any, rows: Any, at: Any, turned: Any, to: Any, width: Any) -> Any:  # noqa: ARG001
    return types.void(columns, rows, types.int64, turned, types.int64, types.int64), _deal(is_back=False)


@_intrinsic
def _to_rows(typing: Any, columns: Any, turned: Any, at: Any, rows: Any, to: Any, width: Any) -> Any:  # noqa: ARG001
    return types.void(columns, turned, types.int64, rows, types.int64, types.int64), _deal(is_back=True)


@kernel_part
def columns_of(columns: Any, rows: Any, begin: Any, n: Any, turned: Any, at: Any, width: Any) -> None:
    """Column d of the `n` rows from `begin`, eight at most, to `turned` from `at + d * width` on; what is behind them
    stays.

    `columns` is a tuple whose length is the number of columns, which the compiler has to know.
    """
    n_columns = len(columns)
    if n >= N_LANES:
        _to_columns(columns, rows, begin * n_columns, turned, at, width)
    else:
        for lane in range(n):
            for d in range(n_columns):
                turned[at + d * width + lane] = rows[(begin + lane) * n_columns + d]


@kernel_part
def rows_of(columns: Any, turned: Any, begin: Any, n: Any, rows: Any) -> None:
    """The way back from `columns_of`, of columns of eight numbers."""
    n_columns = len(columns)
    if n >= N_LANES:
        _to_rows(columns, turned, 0, rows, begin * n_columns, N_LANES)
    else:
        for lane in range(n):
            for d in range(n_columns):
                rows[(begin + lane) * n_columns + d] = turned[d * N_LANES + lane]


LOG2_E = 1 / math.log(2)
LN2_HIGH = float.fromhex("0x1.62E42FEEp-1")
"""The first 31 digits of ln 2: times a whole number below 2**22 it is exact."""
LN2_LOW = float.fromhex("0x1.A39EF35793C76p-33")
LEAST_POWER = -708.0
"""e ** -708 = 3e-308 is about the least normal number."""
SERIES = tuple(1 / math.factorial(k) for k in range(14))  # e ** r for |r| <= ln(2) / 2: the next term is below 5e-18


@kernel_part
def exp_of_negative(a: Any) -> Any:
    """Powers of e for lanes a <= 0, to a unit in the last place or two: 0 for -inf, 3e-308 for others below -708."""
    bounded = choose(a, splat(LEAST_POWER), a, splat(LEAST_POWER))
    whole = nearest_integer(multiply(bounded, splat(LOG2_E)))
    r = fma(whole, splat(-LN2_LOW), fma(whole, splat(-LN2_HIGH), bounded))
    power = fma(splat(SERIES[13]), r, splat(SERIES[12]))
    power = fma(power, r, splat(SERIES[11]))
    power = fma(power, r, splat(SERIES[10]))
    power = fma(power, r, splat(SERIES[9]))
    power = fma(power, r, splat(SERIES[8]))
    power = fma(power, r, splat(SERIES[7]))
    power = fma(power, r, splat(SERIES[6]))
    power = fma(power, r, splat(SERIES[5]))
    power = fma(power, r, splat(SERIES[4]))
    power = fma(power, r, splat(SERIES[3]))
    power = fma(power, r, splat(SERIES[2]))
    power = fma(power, r, splat(1.0))
    power = fma(power, r, splat(1.0))
    return choose(a, splat(-math.inf), multiply(power, power_of_two(whole)), splat(0.0))
