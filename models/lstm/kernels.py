"""All steps of an LSTM layer, forward and backward, compiled: the equations of `models.lstm.steps`, line by line in the
same letters.

Arrays are those of that module. A kernel takes the rows `first` to `beyond` of the batch, so that several threads can
each take some and meet only at the end; what one row gives does not depend on the others. A letter stands for a vector
of units, `n` is how many are left from unit k on.
"""

# Kernels know no keyword-only arguments; a step is one loop, or its letters would go through memory.
# ruff: noqa: PLR0917, PLR0912, PLR0915, C901, FBT001
from __future__ import annotations

from typing import Any

import numpy as np

from models.kernels.kernel_cache import kernel
from models.lstm import lanes as lstm_lanes
from models.lstm import product as lstm_product
from models.lstm.lanes import BYTES, load, logistic, store, tanh
from models.lstm.product import TILE_ROWS, multiply


@kernel(lstm_product, lstm_lanes)
def forward_steps(
    gates: Any,
    R: Any,
    p: Any,
    form: Any,
    begins: Any,
    sizes: Any,
    is_reverse: bool,
    first: int,
    beyond: int,
    s: Any,
    c_now: Any,
    inputs: Any,
    n_inputs: int,
    c_before: Any,
    outputs: Any,
) -> None:
    """Fill `gates`, `inputs[:, n_inputs:]`, `c_before`, `outputs`; take `s` and `c_now` forward. `R`: panels of R'."""
    H, S, width = c_now.shape[1], s.shape[1], BYTES // outputs.itemsize
    n_tiled = (beyond - first + TILE_ROWS - 1) // TILE_ROWS * TILE_ROWS
    before, Rs = np.zeros(n_tiled * S, outputs.dtype), np.empty(n_tiled * R.shape[0] * R.shape[2], outputs.dtype)
    for b in range(beyond - first):
        for k in range(S):
            before[b * S + k] = s[first + b, k]
    to_i, to_f, to_z, to_o = 0, H, 2 * H, 3 * H
    one = 1 + 0 * load(p, 0, 0)
    for step in range(len(sizes)):
        t = len(sizes) - 1 - step if is_reverse else step
        n_rows = min(sizes[t], beyond) - first
        if n_rows <= 0:
            continue
        multiply(before, n_rows, R, Rs)
        for b in range(n_rows):
            row = begins[t] + first + b
            here, there, at, cell, past = row * 4 * H, b * R.shape[0] * R.shape[2], row * H, (first + b) * H, b * S
            for k in range(S):
                inputs[row, n_inputs + k] = before[past + k]
            for k in range(0, H, width):
                n = H - k
                c = load(c_now, cell + k, n)
                i = load(gates, here + to_i + k, n) + load(Rs, there + to_i + k, n)
                f = load(gates, here + to_f + k, n) + load(Rs, there + to_f + k, n)
                z = load(gates, here + to_z + k, n) + load(Rs, there + to_z + k, n)
                o = load(gates, here + to_o + k, n) + load(Rs, there + to_o + k, n)
                if form.has_peephole:
                    i = i + load(p, to_i + k, n) * c
                    f = f + load(p, to_f + k, n) * c
                i = logistic(i) if form.has_input_gate else one
                f = logistic(f) if form.has_forget_gate else one
                if form.is_coupled:
                    f = 1 - i
                z = tanh(z) if form.has_input_activation else z
                store(c_before, at + k, n, c)
                c = z * i + c * f
                store(c_now, cell + k, n, c)
                if form.has_peephole:
                    o = o + load(p, 2 * H + k, n) * c
                o = logistic(o) if form.has_output_gate else one
                y = o * (tanh(c) if form.has_output_activation else c)
                store(outputs, at + k, n, y)
                store(before, past + k, n, y)
                if form.has_gate_recurrence:
                    store(before, past + H + k, n, i)
                    store(before, past + 2 * H + k, n, f)
                    store(before, past + 3 * H + k, n, o)
                store(gates, here + to_i + k, n, i)
                store(gates, here + to_f + k, n, f)
                store(gates, here + to_z + k, n, z)
                store(gates, here + to_o + k, n, o)
    for b in range(beyond - first):
        for k in range(S):
            s[first + b, k] = before[b * S + k]


@kernel(lstm_product, lstm_lanes)
def backward_steps(
    d_outputs: Any,
    gates: Any,
    c_before: Any,
    R: Any,
    p: Any,
    form: Any,
    begins: Any,
    sizes: Any,
    is_reverse: bool,
    first: int,
    beyond: int,
    ds: Any,
    dc_now: Any,
    d_gates: Any,
    dp: Any,
    db: Any,
) -> None:
    """Fill `d_gates`, add to `dp` and `db`, and take `ds` and `dc_now` back. `R` comes as panels."""
    H, S, width, ds_width = dc_now.shape[1], ds.shape[1], BYTES // ds.itemsize, R.shape[0] * R.shape[2]
    n_tiled = (beyond - first + TILE_ROWS - 1) // TILE_ROWS * TILE_ROWS
    d_before, Rd, d = (
        np.zeros(n_tiled * ds_width, ds.dtype),
        np.empty(n_tiled * ds_width, ds.dtype),
        np.zeros(n_tiled * 4 * H, ds.dtype),
    )
    for b in range(beyond - first):
        for k in range(S):
            d_before[b * ds_width + k] = ds[first + b, k]
    to_i, to_f, to_z, to_o = 0, H, 2 * H, 3 * H
    zero = 0 * load(p, 0, 0)
    for step in range(len(sizes) - 1, -1, -1):
        t = len(sizes) - 1 - step if is_reverse else step
        n_rows = min(sizes[t], beyond) - first
        if n_rows <= 0:
            continue
        for b in range(n_rows):
            row = begins[t] + first + b
            here, there, at, cell, future = row * 4 * H, b * 4 * H, row * H, (first + b) * H, b * ds_width
            for k in range(0, H, width):
                n = H - k
                i, f = load(gates, here + to_i + k, n), load(gates, here + to_f + k, n)
                z, o = load(gates, here + to_z + k, n), load(gates, here + to_o + k, n)
                c_then = load(c_before, at + k, n)
                c = z * i + c_then * f
                h = tanh(c) if form.has_output_activation else c
                dy = load(d_outputs, at + k, n) + load(d_before, future + k, n)
                dc = load(dc_now, cell + k, n)
                di, df, do = zero, zero, dy * h
                if form.has_gate_recurrence:
                    di = di + load(d_before, future + H + k, n)
                    df = df + load(d_before, future + 2 * H + k, n)
                    do = do + load(d_before, future + 3 * H + k, n)
                do = do * o * (1 - o) if form.has_output_gate else zero
                dc = dc + dy * o * (1 - h * h) if form.has_output_activation else dc + dy * o
                if form.has_peephole:
                    dc = dc + load(p, 2 * H + k, n) * do
                    store(dp, 2 * H + k, n, load(dp, 2 * H + k, n) + do * c)
                di = di + dc * z
                df = df + dc * c_then
                dz = dc * i
                if form.is_coupled:
                    di, df = di - df, zero
                di = di * i * (1 - i) if form.has_input_gate else zero
                df = df * f * (1 - f) if form.has_forget_gate else zero
                dz = dz * (1 - z * z) if form.has_input_activation else dz
                dc = dc * f
                if form.has_peephole:
                    dc = dc + load(p, to_i + k, n) * di + load(p, to_f + k, n) * df
                    store(dp, to_i + k, n, load(dp, to_i + k, n) + di * c_then)
                    store(dp, to_f + k, n, load(dp, to_f + k, n) + df * c_then)
                store(dc_now, cell + k, n, dc)
                store(d, there + to_i + k, n, di)
                store(d, there + to_f + k, n, df)
                store(d, there + to_z + k, n, dz)
                store(d, there + to_o + k, n, do)
            for k in range(0, 4 * H, width):
                n = 4 * H - k
                store(d_gates, here + k, n, load(d, there + k, n))
                store(db, k, n, load(db, k, n) + load(d, there + k, n))
        multiply(d, n_rows, R, Rd)
        for k in range(n_rows * ds_width):  # the rows after these wait for their own last step
            d_before[k] = Rd[k]
    for b in range(beyond - first):
        for k in range(S):
            ds[first + b, k] = d_before[b * ds_width + k]
