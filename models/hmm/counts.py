"""Hidden Markov models of symbols and counts, with the surface of hmmlearn 0.3.3.

Legend beside that of `models.hmm.estimator`
    emissionprob_[i, k]   probability of symbol k in state i, shape (S, K)
    lambdas_[i, d]        mean count of column d in state i, shape (S, D)
    X                     categorical: (T, 1), symbols 0..K-1; multinomial: (T, K), counts; Poisson: (T, D), counts;
                          NaN = missing; a row of multinomial counts is there whole or not at all
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import multinomial

from models.hmm import core as hmm_core
from models.hmm.convergence import ConvergenceMonitor
from models.hmm.estimator import HiddenMarkovModel
from models.hmm.inputs import require_sums_of_1

LEAST_MEAN = 1e-10  # a start of 0 would stay 0, and make every count but 0 impossible


class CategoricalHMM(HiddenMarkovModel):
    """Symbols. Fitted attributes `startprob_`, `transmat_`, `emissionprob_`, `n_features` (K; None: from the data)."""

    def __init__(  # hmmlearn's signature
        self,
        n_components: int = 1,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        *,
        emissionprob_prior: Any = 1.0,
        n_features: int | None = None,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int = 10,
        tol: float = 1e-2,
        verbose: bool = False,
        params: str = "ste",
        init_params: str = "ste",
        implementation: str = "log",
        n_starts: int = 1,
        n_jobs: int = 1,
    ) -> None:
        self.n_components = n_components
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.emissionprob_prior = emissionprob_prior
        self.n_features = n_features
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.n_starts = n_starts
        self.n_jobs = n_jobs
        self.monitor_ = ConvergenceMonitor(tol, n_iter, verbose)

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        if X.shape[1] != 1:
            raise ValueError(f"symbols are one column, X has {X.shape[1]}: reshape it to (steps, 1)")
        symbols = X if np.issubdtype(X.dtype, np.integer) else X[~np.isnan(X)]
        if np.any(symbols < 0) or (symbols is not X and np.any(symbols != np.floor(symbols))):
            raise ValueError(
                "symbols must be whole numbers from 0 (NaN = missing): number them, for instance with numpy.unique"
            )
        return X

    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:  # noqa: ARG002  # `rng` is new
        if self.n_features is None:
            self.n_features = int(np.nanmax(X)) + 1
        if self._is_to_start("e", "emissionprob_"):
            drawn = rng.rand(self.n_components, self.n_features)
            self.emissionprob_ = drawn / drawn.sum(axis=1, keepdims=True)

    def _check_emission(self) -> None:
        self.emissionprob_ = np.atleast_2d(self.emissionprob_)
        if self.n_features is None:
            self.n_features = self.emissionprob_.shape[1]
        if self.emissionprob_.shape != (self.n_components, self.n_features):
            raise ValueError(
                f"emissionprob_ must have shape ({self.n_components}, {self.n_features}),"
                f" it has {self.emissionprob_.shape}"
            )
        require_sums_of_1("emissionprob_", self.emissionprob_)

    def _kinds(self, X: np.ndarray) -> np.ndarray:
        """The row of `_log_table` of each step, int64 (T,): its symbol, or the last row where it is missing."""
        is_whole, n_symbols = np.issubdtype(X.dtype, np.integer), self.emissionprob_.shape[1]
        largest = X.max() if is_whole else np.nanmax(X, initial=-1)
        if largest >= n_symbols:
            raise ValueError(
                f"X holds the symbol {int(largest)}, the model knows 0 to {n_symbols - 1}:"
                f" mark it as NaN, or fit with n_features={int(largest) + 1}"
            )
        if is_whole:
            return X[:, 0].astype(np.int64)
        return np.where(np.isnan(X[:, 0]), n_symbols, np.nan_to_num(X[:, 0])).astype(np.int64)

    def _log_table(self) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.vstack([np.log(self.emissionprob_.T), np.zeros(self.n_components)])

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        return self._log_table()[self._kinds(X)]

    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        (counts,) = self._statistics(X, weights)
        counts = counts + 1.0  # one of each: what was not seen among known states is not thereby impossible
        is_known = (weights.sum(axis=0) > 0)[:, None]
        self.emissionprob_ = np.where(is_known, counts / counts.sum(axis=1, keepdims=True), self.emissionprob_)

    def _expect(
        self, X: np.ndarray, lengths: np.ndarray, states: np.ndarray | None
    ) -> tuple[float, np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        """As for any emission, without a posterior for every step: the core sums it by symbol."""
        table, kinds = self._log_table(), self._kinds(X)
        if states is not None:  # a symbol in a known state is another kind than the symbol alone
            held = [
                np.where(np.arange(self.n_components) == state, table, -np.inf) for state in range(self.n_components)
            ]
            kinds = kinds + len(table) * (states + 1)
            table = np.vstack([table, *held])
        post = hmm_core.posterior_by_kind(self.startprob_, self.transmat_, table, kinds, lengths, n_threads=self.n_jobs)
        n_symbols = self.emissionprob_.shape[1]
        counts = post.gamma.reshape(-1, n_symbols + 1, self.n_components).sum(axis=0)[:n_symbols].T
        return float(post.log_likelihood.sum()), post.start_counts, post.transition_counts, (counts,)

    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """Expected number of each symbol in each state, (S, K)."""
        counts = np.zeros((self.emissionprob_.shape[1] + 1, self.n_components))
        np.add.at(counts, self._kinds(X), gamma)
        return (counts[:-1].T,)

    def _maximise(self, *statistics: np.ndarray) -> None:
        (counts,) = statistics
        if "e" in self.params:
            self.emissionprob_ = _shares(np.maximum(self.emissionprob_prior - 1 + counts, 0.0), self.emissionprob_)

    def _emission_log_prior(self) -> float:
        return float(
            np.sum(xlogy(np.broadcast_to(self.emissionprob_prior, self.emissionprob_.shape) - 1, self.emissionprob_))
        )

    def _draw(self, state: int, rng: Any) -> Any:
        return [int((np.cumsum(self.emissionprob_[state]) > rng.rand()).argmax())]

    def _n_emission_parameters(self) -> int:
        return self.n_components * (self.emissionprob_.shape[1] - 1)

    def _reorder_emission(self, order: np.ndarray) -> None:
        self.emissionprob_ = self.emissionprob_[order]

    def _emission_names(self) -> tuple[str, ...]:
        return ("emissionprob_",)


class MultinomialHMM(HiddenMarkovModel):
    """Counts of K symbols in trials. Fitted attributes `startprob_`, `transmat_`, `emissionprob_`, `n_features` (K)."""

    def __init__(  # noqa: PLR0917  # hmmlearn's signature
        self,
        n_components: int = 1,
        n_trials: Any = None,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int = 10,
        tol: float = 1e-2,
        verbose: bool = False,  # noqa: FBT001, FBT002  # hmmlearn's signature
        params: str = "ste",
        init_params: str = "ste",
        implementation: str = "log",
        n_starts: int = 1,
        n_jobs: int = 1,
    ) -> None:
        self.n_components = n_components
        self.n_trials = n_trials
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.n_starts = n_starts
        self.n_jobs = n_jobs
        self.monitor_ = ConvergenceMonitor(tol, n_iter, verbose)

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        counts = require_counts(X)
        is_partly = np.isnan(counts).any(axis=1) & ~np.isnan(counts).all(axis=1)
        if is_partly.any():
            raise ValueError(
                f"row {int(is_partly.argmax())} of X has some counts missing and others not:"
                " leave out all of them or none"
            )
        return counts

    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:  # noqa: ARG002  # `rng` is new
        totals = X.sum(axis=1)
        if self.n_trials is None:
            self.n_trials = np.where(np.isnan(totals), 0, totals).astype(int)
        elif not np.all((totals == self.n_trials) | np.isnan(totals)):
            raise ValueError("the counts of each row of X must add up to n_trials")
        self.n_features = X.shape[1]
        if self._is_to_start("e", "emissionprob_"):
            drawn = rng.rand(self.n_components, self.n_features)
            self.emissionprob_ = drawn / drawn.sum(axis=1, keepdims=True)

    def _check_emission(self) -> None:
        self.emissionprob_ = np.atleast_2d(self.emissionprob_)
        self.n_features = self.emissionprob_.shape[1]
        if len(self.emissionprob_) != self.n_components:
            raise ValueError(f"emissionprob_ must have {self.n_components} rows, it has {len(self.emissionprob_)}")
        require_sums_of_1("emissionprob_", self.emissionprob_)

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        require_columns(X, self.n_features)
        is_there = self._is_observed(X)[:, None]
        counts = np.where(is_there, X, 0.0)
        ways = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
        chosen = np.stack([xlogy(counts, p).sum(axis=1) for p in self.emissionprob_], axis=1)
        return np.where(is_there, ways[:, None] + chosen, 0.0)

    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        (counts,) = self._statistics(X, weights)
        is_known = (weights.sum(axis=0) > 0)[:, None]
        self.emissionprob_ = np.where(
            is_known, (counts + 1.0) / (counts + 1.0).sum(axis=1, keepdims=True), self.emissionprob_
        )

    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """Expected number of each symbol in each state, (S, K)."""
        return (gamma.T @ np.nan_to_num(X),)

    def _maximise(self, *statistics: np.ndarray) -> None:
        (counts,) = statistics
        if "e" in self.params:
            self.emissionprob_ = _shares(counts, self.emissionprob_)

    def _draw(self, state: int, rng: Any) -> Any:
        trials = np.unique(self.n_trials)
        if len(trials) != 1 or trials[0] is None:
            raise ValueError("a sample needs one number of trials: set n_trials to an integer")
        return multinomial.rvs(n=int(trials[0]), p=self.emissionprob_[state], random_state=rng)

    def _n_emission_parameters(self) -> int:
        return self.n_components * (self.n_features - 1)

    def _reorder_emission(self, order: np.ndarray) -> None:
        self.emissionprob_ = self.emissionprob_[order]

    def _emission_names(self) -> tuple[str, ...]:
        return ("emissionprob_",)


class PoissonHMM(HiddenMarkovModel):
    """Counts, each column by itself. Fitted attributes `startprob_`, `transmat_`, `lambdas_`, `n_features` (D).

    The prior of a mean is gamma: `lambdas_prior` counts in `lambdas_weight` steps, added to what each state has seen.
    """

    def __init__(  # noqa: PLR0917  # hmmlearn's signature
        self,
        n_components: int = 1,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        lambdas_prior: Any = 0.0,
        lambdas_weight: Any = 0.0,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int = 10,
        tol: float = 1e-2,
        verbose: bool = False,  # noqa: FBT001, FBT002  # hmmlearn's signature
        params: str = "stl",
        init_params: str = "stl",
        implementation: str = "log",
        n_starts: int = 1,
        n_jobs: int = 1,
    ) -> None:
        self.n_components = n_components
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.lambdas_prior = lambdas_prior
        self.lambdas_weight = lambdas_weight
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.n_starts = n_starts
        self.n_jobs = n_jobs
        self.monitor_ = ConvergenceMonitor(tol, n_iter, verbose)

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        return require_counts(X)

    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:  # noqa: ARG002  # `rng` is new
        self.n_features = X.shape[1]
        if self._is_to_start("l", "lambdas_"):
            mean, spread = float(np.nanmean(X)), float(np.nanvar(X))
            size = (self.n_components, self.n_features)
            # By moments, as hmmlearn does; where all counts are equal there are none, and the states begin alike.
            drawn = (
                rng.gamma(shape=mean**2 / spread, scale=spread / mean, size=size) if spread > 0 else np.full(size, mean)
            )
            self.lambdas_ = np.maximum(drawn, LEAST_MEAN)

    def _check_emission(self) -> None:
        self.lambdas_ = np.atleast_2d(self.lambdas_)
        self.n_features = self.lambdas_.shape[1]
        if len(self.lambdas_) != self.n_components or np.any(self.lambdas_ < 0):
            raise ValueError(f"lambdas_ must have {self.n_components} rows of means that are not negative")

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        require_columns(X, self.n_features)
        is_there = ~np.isnan(X)
        counts = np.where(is_there, X, 0.0)
        factorials = gammaln(counts + 1).sum(axis=1)
        columns = [xlogy(counts, means).sum(axis=1) - is_there @ means - factorials for means in self.lambdas_]
        return np.stack(columns, axis=1)

    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        counts, steps = self._statistics(X, weights)
        self.lambdas_ = np.where(
            steps > 0, np.maximum(counts / np.where(steps > 0, steps, 1.0), LEAST_MEAN), self.lambdas_
        )

    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """Expected sum of each column in each state, and in how many steps it is there, (S, D) each."""
        return gamma.T @ np.nan_to_num(X), gamma.T @ ~np.isnan(X)

    def _maximise(self, *statistics: np.ndarray) -> None:
        counts, steps = statistics
        if "l" in self.params:
            weight = self.lambdas_weight + steps
            means = (self.lambdas_prior + counts) / np.where(weight > 0, weight, 1.0)
            self.lambdas_ = np.where(weight > 0, means, self.lambdas_)

    def _emission_log_prior(self) -> float:
        return float(np.sum(xlogy(self.lambdas_prior, self.lambdas_) - self.lambdas_weight * self.lambdas_))

    def _draw(self, state: int, rng: Any) -> Any:
        return rng.poisson(self.lambdas_[state])

    def _n_emission_parameters(self) -> int:
        return int(self.lambdas_.size)

    def _reorder_emission(self, order: np.ndarray) -> None:
        self.lambdas_ = self.lambdas_[order]

    def _emission_names(self) -> tuple[str, ...]:
        return ("lambdas_",)


def require_counts(X: np.ndarray) -> np.ndarray:
    """X as float64. ValueError where a value is no count from 0 (NaN = missing)."""
    X = X.astype(np.float64)
    there = X[~np.isnan(X)]
    if np.any(there < 0) or np.any(there != np.floor(there)):
        raise ValueError("counts must be whole numbers from 0 (NaN = missing)")
    return X


def require_columns(X: np.ndarray, n_columns: int) -> None:
    """ValueError where X (T, D) has not `n_columns`."""
    if X.shape[1] != n_columns:
        raise ValueError(f"the model knows {n_columns} columns, X has {X.shape[1]}")


def _shares(counts: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Rows of `counts` divided by their sums; a row without any (nobody is in that state) stays what it was before."""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), before)
