"""Hidden Markov models with Gaussian emissions, fitted by Baum-Welch; names and parameters as in hmmlearn's `GaussianHMM`.

Legend (beside that of `models.hmm`)
    X[t, d]      observations, shape (T, D), float64; NaN = missing, and marginalised: a row without any number says nothing
    mu[i, d]     means, shape (S, D)
    Sigma[i]     covariances, always kept in full, shape (S, D, D)
    N[i]         expected steps in state i, shape (S,)

Missing values (Little and Rubin 2002, 11.2): rows are grouped by which columns they have; for each group the likelihood is that of
the columns that are there, and the expected X and X X' of the others come from their conditional normal distribution, so that an
EM step still cannot lower the likelihood.

Deliberately not here yet: partly labelled sequences, mixtures, choice of the number of states.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Self, get_args

import numpy as np
from sklearn.cluster import KMeans

from models import hmm

CovarianceType = Literal["spherical", "diag", "full", "tied"]
COVARIANCE_TYPES = get_args(CovarianceType)


class CovarianceFloorWarning(UserWarning):
    """A state's variance fell to the floor: it explains too few or equal observations."""


@dataclass
class ConvergenceMonitor:
    """Log-likelihoods by iteration, and whether the last gain was below `tol`."""

    tol: float
    n_iter: int
    history: list[float] = field(default_factory=list)

    @property
    def iter(self) -> int:
        """Iterations done."""
        return len(self.history)

    @property
    def converged(self) -> bool:
        """Whether the last iteration gained less than `tol`."""
        return len(self.history) > 1 and self.history[-1] - self.history[-2] < self.tol


class GaussianHMM:
    """A Gaussian HMM. Constructor arguments and fitted attributes (`startprob_`, `transmat_`, `means_`, `covars_`, `monitor_`) as in hmmlearn.

    `covars_` is always (S, D, D). `min_covar` is a floor under every variance. Not thread-safe while fitting.
    """

    def __init__(
        self,
        n_components: int = 1,
        covariance_type: CovarianceType = "diag",
        *,
        min_covar: float = 1e-3,
        startprob_prior: float = 1.0,
        transmat_prior: float = 1.0,
        covars_prior: float = 1e-2,
        random_state: int = 0,
        n_iter: int = 10,
        tol: float = 1e-2,
    ) -> None:
        if n_components < 1 or covariance_type not in COVARIANCE_TYPES:
            raise ValueError(
                f"n_components must be 1 or more (is {n_components}), covariance_type one of {', '.join(COVARIANCE_TYPES)} "
                f"(is {covariance_type!r})"
            )
        self.n_components = n_components
        self.covariance_type: CovarianceType = covariance_type
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.covars_prior = covars_prior
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.startprob_ = np.empty(0)
        self.transmat_ = np.empty((0, 0))
        self.means_ = np.empty((0, 0))
        self.covars_ = np.empty((0, 0, 0))
        self.monitor_ = ConvergenceMonitor(tol, n_iter)

    def fit(self, X: np.ndarray, lengths: np.ndarray | None = None, progress: Callable[[int, float], None] | None = None) -> Self:
        """Self, fitted by EM from k-means centres until an iteration gains less than `tol` or `n_iter` are done.

        `progress` is told iteration and log-likelihood. ValueError where X is no matrix, has fewer complete rows than states, or a
        column without any number. CovarianceFloorWarning names the states whose variance the floor had to hold up.
        """
        X, lengths = _checked(X, lengths)
        self._start(X)
        self.monitor_ = ConvergenceMonitor(self.tol, self.n_iter)
        for iteration in range(self.n_iter):
            post = hmm.posterior(self.startprob_, self.transmat_, self._log_emission(X), lengths)
            self.monitor_.history.append(float(post.log_likelihood.sum()))
            if progress is not None:
                progress(iteration, self.monitor_.history[-1])
            if self.monitor_.converged:
                break
            self._maximise(X, post)
        return self

    def score(self, X: np.ndarray, lengths: np.ndarray | None = None) -> float:
        """Log-likelihood of X, summed over sequences."""
        return self.score_samples(X, lengths)[0]

    def score_samples(self, X: np.ndarray, lengths: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """Log-likelihood of X, and the posterior of each state at each step, (T, S)."""
        X, lengths = self._checked_for_use(X, lengths)
        post = hmm.posterior(self.startprob_, self.transmat_, self._log_emission(X), lengths)
        return float(post.log_likelihood.sum()), post.gamma

    def decode(self, X: np.ndarray, lengths: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """Log probability of the most likely paths (Viterbi), summed over sequences, and their states, int32 (T,)."""
        X, lengths = self._checked_for_use(X, lengths)
        states, log_probability = hmm.most_likely_states(self.startprob_, self.transmat_, self._log_emission(X), lengths)
        return float(log_probability.sum()), states

    def predict(self, X: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """The most likely path of states, int32 (T,)."""
        return self.decode(X, lengths)[1]

    def predict_proba(self, X: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """The posterior of each state at each step, (T, S)."""
        return self.score_samples(X, lengths)[1]

    def get_stationary_distribution(self) -> np.ndarray:
        """The distribution over states (S,) that the transitions leave unchanged."""
        return hmm.stationary_distribution(self.transmat_)

    def bic(self, X: np.ndarray, lengths: np.ndarray | None = None) -> float:
        """Bayesian information criterion (Schwarz 1978), lower is better: -2 log-likelihood + free parameters * log(steps observed)."""
        n_observed = int((~np.isnan(X)).any(axis=1).sum())
        return -2.0 * self.score(X, lengths) + self._n_free_parameters() * np.log(n_observed)

    def reordered(self, order: np.ndarray) -> Self:
        """This fitted model with its states renamed: new state k is old state `order[k]`. Self is changed, and returned."""
        self.startprob_ = self.startprob_[order]
        self.transmat_ = self.transmat_[np.ix_(order, order)]
        self.means_, self.covars_ = self.means_[order], self.covars_[order]
        return self

    def _n_free_parameters(self) -> int:
        n_states, n_columns = self.means_.shape
        n_covariances = {
            "spherical": n_states,
            "diag": n_states * n_columns,
            "full": n_states * n_columns * (n_columns + 1) // 2,
            "tied": n_columns * (n_columns + 1) // 2,
        }[self.covariance_type]
        return n_states - 1 + n_states * (n_states - 1) + n_states * n_columns + n_covariances

    def _checked_for_use(self, X: np.ndarray, lengths: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        if not self.means_.size:
            raise ValueError("this model has not been fitted: call fit first")
        X, lengths = _checked(X, lengths)
        if X.shape[1] != self.means_.shape[1]:
            raise ValueError(f"the model knows {self.means_.shape[1]} columns, X has {X.shape[1]}")
        return X, lengths

    def _start(self, X: np.ndarray) -> None:
        """Uniform chain, k-means centres of the complete rows as means, the data's own covariance in every state (as hmmlearn does)."""
        complete = X[~np.isnan(X).any(axis=1)]
        n_states = self.n_components
        if len(np.unique(complete, axis=0)) < n_states:
            raise ValueError(
                f"{n_states} states need as many distinct complete rows, there are {len(np.unique(complete, axis=0))}: "
                "ask for fewer states or give more data"
            )
        self.startprob_ = np.full(n_states, 1.0 / n_states)
        self.transmat_ = np.full((n_states, n_states), 1.0 / n_states)
        self.means_ = KMeans(n_states, random_state=self.random_state, n_init=10).fit(complete).cluster_centers_
        covariance = np.atleast_2d(np.cov(complete.T)) if len(complete) > 1 else np.zeros((X.shape[1], X.shape[1]))
        covariance = covariance + self.min_covar * np.eye(X.shape[1])
        self.covars_ = np.stack([self._shaped(covariance)] * n_states)

    def _shaped(self, covariance: np.ndarray) -> np.ndarray:
        """A covariance (D, D) with what the type does not allow taken out."""
        if self.covariance_type == "spherical":
            return np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
        return np.diag(np.diag(covariance)) if self.covariance_type == "diag" else covariance

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        """Log of N(X[t]; mu[i], Sigma[i]) over the columns that are there, (T, S); 0 where none is."""
        log_b = np.zeros((len(X), self.n_components))
        for rows, there in _patterns(X):
            if not there.any():
                continue
            for i in range(self.n_components):
                L = np.linalg.cholesky(self.covars_[i][np.ix_(there, there)])
                z = np.linalg.solve(L, (X[np.ix_(rows, there)] - self.means_[i, there]).T)
                log_b[rows, i] = -0.5 * (np.einsum("dt,dt->t", z, z) + there.sum() * np.log(2 * np.pi)) - np.log(np.diag(L)).sum()
        return log_b

    def _maximise(self, X: np.ndarray, post: hmm.HmmPosterior) -> None:
        """The M step: start, transitions, means, covariances from the expected counts; changes self."""
        start = np.maximum(self.startprob_prior - 1.0 + post.start_counts, 0.0)
        self.startprob_ = start / start.sum()
        moves = np.maximum(self.transmat_prior - 1.0 + post.transition_counts, 0.0)
        left = moves.sum(axis=1, keepdims=True)
        # A state that is never left (seen only in last steps) keeps its row: no evidence, no change.
        self.transmat_ = np.where(left > 0, moves / np.where(left > 0, left, 1.0), self.transmat_)
        scatter = np.empty_like(self.covars_)
        weights = np.empty(self.n_components)
        for i in range(self.n_components):
            first, second, weights[i] = self._expected_moments(X, post.gamma[:, i], i)
            if weights[i] <= 0.0:  # nobody is in this state: it stays what it was
                scatter[i] = 0.0
                continue
            self.means_[i] = first / weights[i]
            scatter[i] = second - weights[i] * np.outer(self.means_[i], self.means_[i])
        if self.covariance_type == "tied":
            scatter[:] = scatter.sum(axis=0)
            weights[:] = weights.sum()
        floored = []
        for i in range(self.n_components):
            if weights[i] <= 0.0:
                continue
            prior = self.covars_prior * np.eye(X.shape[1])
            covariance = self._shaped((prior + (scatter[i] + scatter[i].T) / 2) / weights[i])
            values, vectors = np.linalg.eigh(covariance)
            if values.min() < self.min_covar:
                floored.append(i)
                covariance = (vectors * np.maximum(values, self.min_covar)) @ vectors.T
            self.covars_[i] = covariance
        if floored:
            warnings.warn(
                f"the variance of state {', '.join(map(str, floored))} fell to min_covar {self.min_covar:g}: it explains too few or equal rows",
                CovarianceFloorWarning,
                stacklevel=3,
            )

    def _expected_moments(self, X: np.ndarray, weight: np.ndarray, i: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Weighted sums of E[x] (D,) and E[x x'] (D, D) under state i, and the weights' sum; rows that say nothing are left out."""
        n_columns = X.shape[1]
        first, second, total = np.zeros(n_columns), np.zeros((n_columns, n_columns)), 0.0
        for rows, there in _patterns(X):
            if not there.any():
                continue
            w = weight[rows]
            expected = np.empty((len(rows), n_columns))
            expected[:, there] = X[np.ix_(rows, there)]
            gone = ~there
            if gone.any():
                Sigma = self.covars_[i]
                K = np.linalg.solve(Sigma[np.ix_(there, there)], Sigma[np.ix_(there, gone)])  # regression of the missing on the rest
                expected[:, gone] = self.means_[i, gone] + (expected[:, there] - self.means_[i, there]) @ K
                second[np.ix_(gone, gone)] += w.sum() * (Sigma[np.ix_(gone, gone)] - Sigma[np.ix_(gone, there)] @ K)
            first += w @ expected
            second += (expected * w[:, None]).T @ expected
            total += float(w.sum())
        return first, second, total


def _patterns(X: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (n,) and columns that are there, bool (D,), for each pattern of missing values in X."""
    there = ~np.isnan(X)
    code = there @ (1 << np.arange(X.shape[1]))  # a bit a column
    for value in np.unique(code):
        rows = np.flatnonzero(code == value)
        yield rows, there[rows[0]]


def _checked(X: np.ndarray, lengths: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(X, np.float64)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"X must be a matrix of steps and columns with at least one of each, its shape is {X.shape}")
    if np.isinf(X).any():
        raise ValueError("X holds an infinite value: mark missing ones as NaN")
    if np.isnan(X).all(axis=0).any():
        raise ValueError(f"column {int(np.isnan(X).all(axis=0).argmax())} of X has no value at all: leave it out")
    return X, np.array([len(X)]) if lengths is None else np.asarray(lengths, np.int64)
