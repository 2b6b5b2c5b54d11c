"""The LSTM of the articles, unit by unit and step by step, for one sequence; far too slow for anything else."""

import math

import numpy as np


def logistic(v):
    return 1 / (1 + math.exp(-v))


def forward(  # noqa: PLR0917
    x, W, R, b, p, y_first, c_first, variant="vanilla", gate_weights=None
):
    """All of i, f, z, o, c, y by step, as a dictionary of (T, H) arrays.

    x (T, I), W (4H, I), R (4H, H), b (4H) by i, f, z, o; p (3, H) by i, f, o; gate_weights (3H, 3H) by i, f, o.
    """
    T, H = len(x), len(y_first)
    letters = {letter: np.zeros((T, H)) for letter in "ifzocy"}
    y_then, c_then = y_first, c_first
    gates_then = np.zeros(3 * H)
    for t in range(T):
        for h in range(H):
            bars = []
            for gate in range(4):
                row = gate * H + h
                bar = b[row]
                for k in range(x.shape[1]):
                    bar += W[row, k] * x[t, k]
                for k in range(H):
                    bar += R[row, k] * y_then[k]
                if variant == "FGR" and gate != 2:
                    from_gates = gate_weights[(min(2, gate)) * H + h]
                    for k in range(3 * H):
                        bar += from_gates[k] * gates_then[k]
                bars.append(bar)
            i = 1 if variant == "NIG" else logistic(bars[0] + p[0, h] * c_then[h])
            f = 1 if variant == "NFG" else 1 - i if variant == "CIFG" else logistic(bars[1] + p[1, h] * c_then[h])
            z = bars[2] if variant == "NIAF" else math.tanh(bars[2])
            c = z * i + c_then[h] * f
            o = 1 if variant == "NOG" else logistic(bars[3] + p[2, h] * c)
            y = o * (c if variant == "NOAF" else math.tanh(c))
            for letter, value in zip("ifzocy", (i, f, z, o, c, y), strict=True):
                letters[letter][t, h] = value
        y_then, c_then = letters["y"][t], letters["c"][t]
        gates_then = np.concatenate([letters[gate][t] for gate in "ifo"])
    return letters


def backward(  # noqa: PLR0917
    x, W, R, p, y_first, c_first, letters, d_above
):
    """Gradients of the loss with direct gradient `d_above` (T, H) by y(t): the articles' equations, with peepholes."""
    T, H = d_above.shape
    i, f, z, o, c, y = (letters[letter] for letter in "ifzocy")
    d_bar = np.zeros((T + 1, 4, H))  # of i, f, z, o; 0 after the end
    d_c = np.zeros((T + 1, H))
    f_next = np.vstack([f, np.zeros(H)])
    for t in reversed(range(T)):
        c_then = c[t - 1] if t else c_first
        for h in range(H):
            d_y = d_above[t, h]
            for gate in range(4):
                for k in range(H):
                    d_y += R[gate * H + k, h] * d_bar[t + 1, gate, k]
            d_bar[t, 3, h] = d_y * math.tanh(c[t, h]) * o[t, h] * (1 - o[t, h])
            d_c[t, h] = (
                d_y * o[t, h] * (1 - math.tanh(c[t, h]) ** 2)
                + p[2, h] * d_bar[t, 3, h]
                + p[0, h] * d_bar[t + 1, 0, h]
                + p[1, h] * d_bar[t + 1, 1, h]
                + d_c[t + 1, h] * f_next[t + 1, h]
            )
            d_bar[t, 1, h] = d_c[t, h] * c_then[h] * f[t, h] * (1 - f[t, h])
            d_bar[t, 0, h] = d_c[t, h] * z[t, h] * i[t, h] * (1 - i[t, h])
            d_bar[t, 2, h] = d_c[t, h] * i[t, h] * (1 - z[t, h] ** 2)
    by_row = d_bar[:T].reshape(T, 4 * H)
    y_before, c_before = np.vstack([y_first, y[:-1]]), np.vstack([c_first, c[:-1]])
    return {
        "W": sum(np.outer(by_row[t], x[t]) for t in range(T)),
        "R": sum(np.outer(by_row[t], y_before[t]) for t in range(T)),
        "b": by_row.sum(axis=0),
        "p": np.stack(
            [
                (d_bar[:T, 0] * c_before).sum(axis=0),
                (d_bar[:T, 1] * c_before).sum(axis=0),
                (d_bar[:T, 3] * c).sum(axis=0),
            ]
        ),
        "x": by_row @ W,
    }
