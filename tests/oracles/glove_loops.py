"""GloVe in plain loops, float64: an entry after another, block after block, by the paper's equations and AdaGrad."""

import math

import numpy as np


def entry_loss(w, v, b, c, entry):
    """f(X) e^2 of one entry (i, j, ln X, f)."""
    i, j, log, weight = entry
    return weight * (float(np.dot(w[i], v[j])) + b[i] + c[j] - log) ** 2


def train(blocks, learned, eta, epochs):
    """Mean loss of each epoch; changes `learned`, arrays w, v, b, c. `blocks[p][q]` is a list of (i, j, ln X, f)."""
    w, v, b, c = learned
    n_parts = len(blocks)
    squares = [np.ones_like(numbers) for numbers in learned]
    n_entries = sum(len(block) for row in blocks for block in row)
    losses = []
    for _ in range(epochs):
        loss = 0.0
        for shift in range(n_parts):
            for p in range(n_parts):
                for entry in blocks[p][(p + shift) % n_parts]:
                    loss += entry_loss(w, v, b, c, entry)
                    i, j, log, weight = entry
                    pull = weight * (float(np.dot(w[i], v[j])) + b[i] + c[j] - log)
                    gradients = [pull * v[j], pull * w[i].copy(), pull, pull]
                    for numbers, g2, at, gradient in zip((w, v, b, c), squares, (i, j, i, j), gradients, strict=True):
                        g = eta * np.clip(gradient, -100, 100)
                        numbers[at] -= g / np.sqrt(g2[at])
                        g2[at] += g**2
        losses.append(loss / n_entries)
    return losses


def weight_of(x, x_max, alpha):
    return min(1.0, (x / x_max) ** alpha), math.log(x)
