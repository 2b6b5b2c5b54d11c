"""An HMM by enumeration of all S**T state sequences: slow and obvious."""

from itertools import pairwise, product

import numpy as np


def enumerate_paths(pi: np.ndarray, A: np.ndarray, b: np.ndarray) -> dict[tuple[int, ...], float]:
    """Joint probability of what is observed with every path of states; `b` (T, S) are likelihoods."""
    n_steps, n_states = b.shape
    paths = {}
    for path in product(range(n_states), repeat=n_steps):
        probability = pi[path[0]] * b[0, path[0]]
        for t in range(1, n_steps):
            probability *= A[path[t - 1], path[t]] * b[t, path[t]]
        paths[path] = probability
    return paths


def posterior_by_enumeration(pi: np.ndarray, A: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Likelihood, gamma (T, S) and expected transition counts (S, S)."""
    paths = enumerate_paths(pi, A, b)
    likelihood = sum(paths.values())
    gamma, counts = np.zeros(b.shape), np.zeros(A.shape)
    for path, probability in paths.items():
        for t, state in enumerate(path):
            gamma[t, state] += probability / likelihood
        for before, after in pairwise(path):
            counts[before, after] += probability / likelihood
    return likelihood, gamma, counts
