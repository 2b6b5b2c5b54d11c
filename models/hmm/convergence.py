"""How EM goes on: its log-likelihoods by iteration, and a warning where they should have risen and fell."""

from __future__ import annotations

import sys
from collections import deque

import numpy as np


class LikelihoodFellWarning(RuntimeWarning):
    """An EM step lowered the objective by more than rounding: a defect, or priors that are no probability."""


class ConvergenceMonitor:
    """Log-likelihoods by iteration (`history`), and whether the last gain was below `tol` or `n_iter` are done."""

    def __init__(self, tol: float, n_iter: int, verbose: bool) -> None:  # noqa: FBT001  # hmmlearn's signature
        self.tol = tol
        self.n_iter = n_iter
        self.verbose = verbose
        self.history: deque[float] = deque()
        self.iter = 0

    def _reset(self) -> None:
        self.iter = 0
        self.history.clear()

    def report(self, log_prob: float) -> None:
        """Take the log-likelihood of an iteration; tell it on standard error where `verbose`."""
        if self.verbose:
            gain = log_prob - self.history[-1] if self.history else np.nan
            sys.stderr.write(f"{self.iter + 1:>10d} {log_prob:>16.8f} {gain:>+16.8f}\n")
        self.history.append(log_prob)
        self.iter += 1

    @property
    def converged(self) -> bool:
        """Whether EM may end."""
        return self.iter == self.n_iter or (len(self.history) >= 2 and self.history[-1] - self.history[-2] < self.tol)
