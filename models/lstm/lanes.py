"""Vectors of float32 or float64 inside numba kernels, with the usual signs: `c = z * i + c * f` does units at once.

    a, b    vectors of 16 float32 or 8 float64, one AVX-512 register (LLVM splits them where registers are narrower)
    rows    a flat array; `at` is an index into it; only the first n lanes are read or written, the others are 0

Whole numbers may stand beside vectors: `1 - f`. Without explicit vectors LLVM would have to prove for a loop over a
dozen arrays that none overlaps another, and gives up. `logistic` and `tanh` are to a few units in the last place
(tests/models/lstm/test_lanes.py), NaN stays NaN, and infinities give the limits:

    e ** y - 1 = 2 ** m * (e ** r - 1) + (2 ** m - 1),    m = the whole number nearest to y / ln 2,
                                                          r = y - m ln 2, |r| <= 0.35

with the series of e ** r - 1; tanh |x| = -u / (2 + u) with u = e ** (-2 |x|) - 1, which near 0 loses no digits as
1 - e ** (-2 |x|) would.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

BYTES = 64
_declare: Callable[..., Any] = cgutils.get_or_insert_function
_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


class LanesType(types.Type):
    """The numba type of a vector of `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"lanes_{dtype}")


@dataclass(frozen=True)
class Number:
    """A kind of floating point number: LLVM's types, and what `e ** y - 1` needs to know of it."""

    bits: int
    fraction_bits: int
    bias: int
    largest: float
    """e ** largest is the largest number, nearly."""
    n_terms: int
    """Terms of the series of e ** r: the next is below a quarter of the last digit of r."""
    log_2_digits: int
    """Binary digits of the first part of ln 2: so few that m times it is exact (Cody and Waite 1980, chapter 6)."""

    @property
    def scalar(self) -> Any:
        """The type of one number."""
        return ir.FloatType() if self.bits == 32 else ir.DoubleType()

    @property
    def n_lanes(self) -> int:
        """How many a vector holds."""
        return BYTES * 8 // self.bits

    @property
    def vector(self) -> Any:
        """The type of a vector."""
        return ir.VectorType(self.scalar, self.n_lanes)

    def vector_of(self, value: float) -> Any:
        """A vector that holds `value` everywhere."""
        return ir.Constant(self.vector, [value] * self.n_lanes)

    def integers(self, value: int) -> Any:
        """A vector of integers as wide as the numbers, all `value`."""
        return ir.Constant(ir.VectorType(ir.IntType(self.bits), self.n_lanes), [value] * self.n_lanes)


FLOAT32 = Number(bits=32, fraction_bits=23, bias=127, largest=87, n_terms=8, log_2_digits=10)
FLOAT64 = Number(bits=64, fraction_bits=52, bias=1023, largest=708, n_terms=16, log_2_digits=32)


def _number(dtype: Any) -> Number:
    return FLOAT32 if dtype == types.float32 else FLOAT64


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, _number(lanes.dtype).vector)  # type: ignore[no-untyped-call]


class _Arithmetic:
    """Vector instructions of one kind of number, written at the builder's place."""

    def __init__(self, builder: Any, lanes: Any) -> None:
        self.builder, self.number = builder, _number(lanes.dtype)

    def call(self, name: str, *operands: Any) -> Any:
        """LLVM's own function `name` of vectors."""
        number = self.number
        kind = ir.FunctionType(number.vector, [number.vector] * len(operands))
        function = _declare(self.builder.module, kind, f"llvm.{name}.v{number.n_lanes}f{number.bits}")
        return self.builder.call(function, operands)

    def bounded(self, sign: str, a: Any, bound: float) -> Any:
        """`bound` where a `sign` bound, else a; NaN stays, for which no comparison holds."""
        limit = self.number.vector_of(bound)
        return self.builder.select(self.builder.fcmp_ordered(sign, a, limit), limit, a)

    def exp_less_one(self, y: Any) -> Any:
        """The vector e ** y - 1, for y between -largest and largest."""
        builder, number = self.builder, self.number

        def fma(a: Any, b: Any, c: Any) -> Any:
            return self.call("fma", a, b, c)

        high = round(math.log(2) * 2**number.log_2_digits) / 2**number.log_2_digits
        # Added to a small number, 1.5 times this power of two leaves no bits behind the point: they are rounded off,
        # and the low bits are m.
        rounder = number.vector_of(1.5 * 2.0**number.fraction_bits)
        rounded = fma(y, number.vector_of(1 / math.log(2)), rounder)
        m = builder.fsub(rounded, rounder)
        r = fma(m, number.vector_of(float(Decimal(high) - Decimal(2).ln())), fma(m, number.vector_of(-high), y))
        series = number.vector_of(1 / math.factorial(number.n_terms - 1))
        for k in range(number.n_terms - 2, 1, -1):
            series = fma(series, r, number.vector_of(1 / math.factorial(k)))
        series = fma(builder.fmul(series, r), r, r)
        bits = builder.add(builder.bitcast(rounded, number.integers(0).type), number.integers(number.bias))
        power = builder.bitcast(builder.shl(bits, number.integers(number.fraction_bits)), number.vector)
        return fma(power, series, builder.fsub(power, number.vector_of(1)))

    def logistic(self, x: Any) -> Any:
        """The vector 1 / (1 + e ** -x)."""
        largest = self.number.largest
        u = self.exp_less_one(self.bounded(">", self.bounded("<", self.builder.fneg(x), -largest), largest))
        return self.builder.fdiv(self.number.vector_of(1), self.builder.fadd(self.number.vector_of(2), u))

    def tanh(self, x: Any) -> Any:
        """The hyperbolic tangent."""
        y = self.builder.fmul(self.number.vector_of(-2), self.call("fabs", x))
        u = self.exp_less_one(self.bounded("<", y, -self.number.largest))
        return self.call("copysign", self.builder.fdiv(u, self.builder.fadd(self.number.vector_of(2), u)), x)


@_intrinsic
def logistic(typing: Any, a: Any) -> Any:  # noqa: ARG001
    """The logistic function of every lane."""
    return a(a), lambda _, builder, __, operands: _Arithmetic(builder, a).logistic(*operands)


@_intrinsic
def tanh(typing: Any, a: Any) -> Any:  # noqa: ARG001
    """The hyperbolic tangent of every lane."""
    return a(a), lambda _, builder, __, operands: _Arithmetic(builder, a).tanh(*operands)


class _Place:
    """The first n lanes at rows[at]. For all of them no mask is used, which takes processors of AMD twice as long."""

    def __init__(self, context: Any, builder: Any, array_type: Any, operands: Any) -> None:
        rows, at, n = operands
        self.builder, self.number = builder, _number(array_type.dtype)
        address = builder.gep(context.make_array(array_type)(context, builder, rows).data, [at])
        self.address = builder.bitcast(address, self.number.vector.as_pointer())
        self.alignment = self.number.bits // 8
        self.is_whole = builder.icmp_signed(">=", n, n.type(self.number.n_lanes))
        self.n = n

    def masked(self, name: str, result: Any, operands: list[Any], filler: list[Any]) -> Any:
        """A call of LLVM's masked `name`."""
        builder, n_lanes = self.builder, self.number.n_lanes
        places = ir.Constant(ir.VectorType(self.n.type, n_lanes), [*range(n_lanes)])
        bound = builder.insert_element(ir.Constant(places.type, ir.Undefined), self.n, ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), n_lanes), [0] * n_lanes)
        mask = builder.icmp_signed("<", places, builder.shuffle_vector(bound, bound, everywhere))
        operands = [*operands, self.address, ir.IntType(32)(self.alignment), mask, *filler]
        kind = ir.FunctionType(result, [operand.type for operand in operands])
        function = _declare(builder.module, kind, f"llvm.masked.{name}.v{n_lanes}f{self.number.bits}.p0")
        return builder.call(function, operands)


@_intrinsic
def load(typing: Any, rows: Any, at: Any, n: Any) -> Any:  # noqa: ARG001
    """A vector from `rows[at : at + n]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        place = _Place(context, builder, signature.args[0], operands)
        with builder.if_else(place.is_whole) as (if_whole, if_part):
            with if_whole:
                whole, after_whole = builder.load(place.address, align=place.alignment), builder.block
            with if_part:
                part = place.masked("load", place.number.vector, [], [place.number.vector_of(0.0)])
                after_part = builder.block
        loaded = builder.phi(place.number.vector)
        loaded.add_incoming(whole, after_whole)
        loaded.add_incoming(part, after_part)
        return loaded

    return LanesType(rows.dtype)(rows, types.int64, types.int64), build


@_intrinsic
def store(typing: Any, rows: Any, at: Any, n: Any, a: Any) -> Any:  # noqa: ARG001
    """Write a vector to `rows[at : at + n]`."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        place = _Place(context, builder, signature.args[0], operands[:3])
        with builder.if_else(place.is_whole) as (if_whole, if_part):
            with if_whole:
                builder.store(operands[3], place.address, align=place.alignment)
            with if_part:
                place.masked("store", ir.VoidType(), [operands[3]], [])
        return context.get_dummy_value()

    return types.void(rows, types.int64, types.int64, a), build


@_intrinsic
def _whole(typing: Any, like: Any, x: Any) -> Any:  # noqa: ARG001
    """A vector like `like` that holds the whole number x everywhere."""

    def build(context: Any, builder: Any, signature: Any, operands: Any) -> Any:  # noqa: ARG001
        number = _number(like.dtype)
        first = builder.insert_element(
            number.vector_of(0.0), builder.sitofp(operands[1], number.scalar), ir.IntType(32)(0)
        )
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), number.n_lanes), [0] * number.n_lanes)
        return builder.shuffle_vector(first, first, everywhere)

    return like(like, types.int64), build


def _define(sign: Callable[..., Any], instruction: str) -> None:
    """Let `sign` stand between vectors, or a vector and a whole number."""

    @_intrinsic
    def lanewise(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
        return a(a, b), lambda _, builder, __, operands: getattr(builder, instruction)(*operands)

    def choose(a: Any, b: Any) -> Any:
        if isinstance(a, LanesType) and isinstance(b, LanesType):
            return lambda a, b: lanewise(a, b)  # noqa: PLW0108  # numba compiles it, and takes no intrinsic here
        if isinstance(a, LanesType) and isinstance(b, types.Integer):
            return lambda a, b: lanewise(a, _whole(a, b))
        if isinstance(a, types.Integer) and isinstance(b, LanesType):
            return lambda a, b: lanewise(_whole(b, a), b)
        return None

    choose.__annotations__ = {}  # numba compares signatures, with their annotations
    overload(sign)(choose)


for _sign, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _define(_sign, _instruction)
