"""What all hidden Markov models for users share: parameters, EM, scores, decoding, sampling; names as in hmmlearn.

Legend beside that of `models.hmm.core`
    X             observations, shape (T, D), of all sequences one after another; NaN = missing, and marginalised
    lengths       how long each sequence is; None = X is one sequence
    params        letters of what EM changes: s start, t transitions, and those of the emission
    init_params   letters of what `fit` sets before EM; what is set by hand and not named there is where EM starts
    objective     log-likelihood plus logarithm of the priors: what EM raises (with flat priors the log-likelihood)

From the same start an EM step is hmmlearn's (docs/decisions/0011-hmm-surface.md names the exceptions). `implementation`
is taken and has no effect: scaling is kept as robust as log space by the core. `random_state=None` means 0: nothing
here is left to chance.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Self

import numpy as np
from scipy.special import xlogy
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from models.hmm import core as hmm_core
from models.hmm.convergence import ConvergenceMonitor, LikelihoodFellWarning
from models.hmm.inputs import checked_states, checked_steps, require_sums_of_1
from models.hmm.parts import Part, of_parts, parts_of, total

ALGORITHMS = ("viterbi", "map")
ROUNDING = 1e-9  # relative: 10^6 additions lose less; a fall by less is no fall

Progress = Callable[[int, float], None]


class HiddenMarkovModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn ships no types
    """What the classes of `models.hmm.surface` have in common. Not thread-safe while fitting.

    Beyond hmmlearn: `n_starts`, of which `fit` keeps the one that ends highest; `n_jobs`, the threads over sequences.
    """

    n_components: int
    algorithm: str
    n_iter: int
    tol: float
    verbose: bool
    params: str
    init_params: str
    startprob_prior: Any
    transmat_prior: Any
    random_state: Any
    n_starts: int
    n_jobs: int
    startprob_: np.ndarray
    transmat_: np.ndarray
    monitor_: ConvergenceMonitor

    def fit(self, X: Any, lengths: Any = None, *, states: Any = None, progress: Progress | None = None) -> Self:
        """Self, fitted by EM until an iteration gains less than `tol` or `n_iter` are done.

        `states` (T,), int: known states, -1 where unknown; a known one is kept. All known: fitted by counting.
        `progress` is told iteration and log-likelihood. ValueError, in a sentence, where X, lengths, states or a start
        set by hand cannot be used.
        """
        X, lengths = self._checked(X, lengths)
        states = checked_states(states, len(X), self.n_components)
        if X.dtype.kind == "f" and np.isnan(X).all():
            raise ValueError("every value of X is missing: there is nothing to learn from")
        best: tuple[float, dict[str, Any]] | None = None
        untouched = deepcopy(self.__dict__)
        for start in range(max(self.n_starts, 1)):
            if start:
                self.__dict__.update(deepcopy(untouched))
            objective = self._fit_once(X, lengths, states, start, progress)
            if best is None or objective > best[0]:
                best = objective, dict(self.__dict__)
        if best is not None:
            self.__dict__.update(best[1])
        return self

    def score(self, X: Any, lengths: Any = None) -> float:
        """Log-likelihood of X, summed over sequences; -inf where one is impossible."""
        X, lengths = self._checked_for_use(X, lengths)
        return float(np.concatenate(self._of_parts(hmm_core.log_likelihoods, X, lengths)).sum())

    def score_samples(self, X: Any, lengths: Any = None) -> tuple[float, np.ndarray]:
        """Log-likelihood of X, and posterior of each state at each step, (T, S). ImpossibleSequenceError names one."""
        X, lengths = self._checked_for_use(X, lengths)
        found = self._of_parts(hmm_core.posterior, X, lengths)
        value = float(np.concatenate([post.log_likelihood for post in found]).sum())
        return value, np.concatenate([post.gamma for post in found])

    def decode(self, X: Any, lengths: Any = None, algorithm: str | None = None) -> tuple[float, np.ndarray]:
        """By `viterbi` the most likely path and its log probability; by `map` the most likely state of each step, and
        the sum of their posterior probabilities. States int64 (T,), values summed over sequences.
        """
        algorithm = algorithm or self.algorithm
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, it is {algorithm!r}")
        if algorithm == "map":
            gamma = self.score_samples(X, lengths)[1]
            return float(gamma.max(axis=1).sum()), gamma.argmax(axis=1)
        X, lengths = self._checked_for_use(X, lengths)
        states, log_probability = zip(*self._of_parts(hmm_core.most_likely_states, X, lengths), strict=True)
        return float(np.concatenate(log_probability).sum()), np.concatenate(states)

    def predict(self, X: Any, lengths: Any = None) -> np.ndarray:
        """The states that `decode` finds, int64 (T,)."""
        return self.decode(X, lengths)[1]

    def predict_proba(self, X: Any, lengths: Any = None) -> np.ndarray:
        """The posterior of each state at each step, (T, S)."""
        return self.score_samples(X, lengths)[1]

    def sample(
        self, n_samples: int = 1, random_state: Any = None, currstate: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A sequence drawn from the model: observations (n_samples, D) and states, `currstate`, if given, the first."""
        self._require_fitted()
        rng = self._random(self.random_state if random_state is None else random_state)
        reach = np.cumsum(self.transmat_, axis=1)
        state = int((np.cumsum(self.startprob_) > rng.rand()).argmax()) if currstate is None else int(currstate)
        states, rows = [state], [self._draw(state, rng)]
        for _ in range(n_samples - 1):
            state = int((reach[state] > rng.rand()).argmax())
            states.append(state)
            rows.append(self._draw(state, rng))
        return np.atleast_2d(rows), np.array(states, dtype=int)

    def aic(self, X: Any, lengths: Any = None) -> float:
        """Akaike's information criterion, lower is better: -2 log-likelihood + 2 * free parameters."""
        return -2.0 * self.score(X, lengths) + 2.0 * self._n_free_parameters()

    def bic(self, X: Any, lengths: Any = None) -> float:
        """Bayesian information criterion (Schwarz 1978), lower is better: -2 log-likelihood + parameters log(steps)."""
        n_observed = int(self._is_observed(self._checked_for_use(X, lengths)[0]).sum())
        return -2.0 * self.score(X, lengths) + self._n_free_parameters() * float(np.log(n_observed))

    def get_stationary_distribution(self) -> np.ndarray:
        """The distribution over states (S,) that the transitions leave unchanged."""
        self._require_fitted()
        return hmm_core.stationary_distribution(self.transmat_)

    def reordered(self, order: Any) -> Self:
        """This fitted model with its states renamed, new state k being old `order[k]`: self is changed and returned."""
        order = np.asarray(order)
        self.startprob_ = self.startprob_[order]
        self.transmat_ = self.transmat_[np.ix_(order, order)]
        self._reorder_emission(order)
        return self

    @abstractmethod
    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:
        """Set what `init_params` names of the emission. `rng` is new at each start; only start 0 must be hmmlearn's."""

    @abstractmethod
    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        """Log-likelihood of each step given each state, (T, S); 0 where nothing is observed."""

    @abstractmethod
    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        """Move the emission's start to where rows of known states are: `weights` (T, S) are 1 there. Others stay."""

    @abstractmethod
    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """What the M step needs of all steps, weighed by the posterior (T, S)."""

    @abstractmethod
    def _maximise(self, *statistics: np.ndarray) -> None:
        """The M step of the emission."""

    @abstractmethod
    def _check_emission(self) -> None:
        """ValueError where the emission's parameters are of another shape or no parameters."""

    @abstractmethod
    def _draw(self, state: int, rng: Any) -> Any:
        """An observation (D,) of `state`."""

    @abstractmethod
    def _n_emission_parameters(self) -> int:
        """Free parameters of the emission."""

    @abstractmethod
    def _reorder_emission(self, order: np.ndarray) -> None:
        """Put the emission's states into the order of `reordered`."""

    @abstractmethod
    def _emission_names(self) -> tuple[str, ...]:
        """The fitted attributes of the emission."""

    def _emission_log_prior(self) -> float:
        """Logarithm of the emission's priors but for a constant."""
        return 0.0

    def _is_observed(self, X: np.ndarray) -> np.ndarray:
        """Whether anything is observed at each step, bool (T,)."""
        if np.issubdtype(X.dtype, np.integer):
            return np.ones(len(X), bool)
        return ~np.isnan(X).all(axis=1)

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        """X, checked for this emission."""
        return X

    def _fit_once(
        self, X: np.ndarray, lengths: np.ndarray, states: np.ndarray | None, start: int, progress: Progress | None
    ) -> float:
        self._start(X, lengths, states, start)
        self._check()
        self.monitor_._reset()  # noqa: SLF001  # hmmlearn's name, which scripts may replace
        before = -np.inf
        for iteration in range(self.n_iter):
            value, post_start, moves, statistics = self._expect(X, lengths, states)
            objective = value + self._log_prior()
            if objective < before - ROUNDING * max(1.0, abs(before)):
                warnings.warn(
                    f"iteration {iteration} lowered the objective from {before} to {objective}",
                    LikelihoodFellWarning,
                    stacklevel=3,
                )
            before = objective
            self._maximise_chain(post_start, moves)
            self._maximise(*statistics)
            self.monitor_.report(value)
            if progress is not None:
                progress(iteration, value)
            if self.monitor_.converged:
                break
        return before

    def _expect(
        self, X: np.ndarray, lengths: np.ndarray, states: np.ndarray | None
    ) -> tuple[float, np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        """The E step: log-likelihood, start counts, transition counts, and the emission's statistics."""

        def expect(part: Part) -> tuple[np.ndarray, ...]:
            rows, known = X[part.steps], None if states is None else states[part.steps]
            log_b, first = _held(self._log_emission(rows), known), part.sequences.start
            post = hmm_core.posterior(
                self.startprob_, self.transmat_, log_b, lengths[part.sequences], first_sequence=first
            )
            return (
                post.log_likelihood.sum(),
                post.start_counts,
                post.transition_counts,
                *self._statistics(rows, post.gamma),
            )

        found = of_parts(expect, parts_of(lengths, self.n_components), self.n_jobs)
        value, starts, moves, *statistics = (total(sums) for sums in zip(*found, strict=True))
        return float(value), starts, moves, tuple(statistics)

    def _of_parts(self, look: Callable[..., Any], X: np.ndarray, lengths: np.ndarray) -> list[Any]:
        """What a function of the core finds in each part of X: so not all log-likelihoods are in memory at once."""

        def of_part(part: Part) -> Any:
            log_b, first = self._log_emission(X[part.steps]), part.sequences.start
            return look(self.startprob_, self.transmat_, log_b, lengths[part.sequences], first_sequence=first)

        return of_parts(of_part, parts_of(lengths, self.n_components), self.n_jobs)

    def _maximise_chain(self, start_counts: np.ndarray, moves: np.ndarray) -> None:
        # What is 0 stays 0, as in a chain that only goes from left to right. Priors below 1 can make a count negative:
        # the best is then 0.
        if "s" in self.params:
            counts = np.where(self.startprob_ == 0, 0.0, np.maximum(self.startprob_prior - 1 + start_counts, 0.0))
            self.startprob_ = counts / counts.sum() if counts.sum() > 0 else self.startprob_
        if "t" in self.params:
            counts = np.where(self.transmat_ == 0, 0.0, np.maximum(self.transmat_prior - 1 + moves, 0.0))
            left = counts.sum(axis=1, keepdims=True)
            # A state that is never left (seen only in last steps) keeps its row: no evidence, no change.
            self.transmat_ = np.where(left > 0, counts / np.where(left > 0, left, 1.0), self.transmat_)

    def _log_prior(self) -> float:
        """Logarithm of all priors but for a constant; what is 0 was 0 from the start, and no parameter."""
        chain = ((self.startprob_prior, self.startprob_), (self.transmat_prior, self.transmat_))
        return self._emission_log_prior() + sum(
            float(np.sum(np.where(p > 0, xlogy(np.asarray(prior) - 1, p), 0.0))) for prior, p in chain
        )

    def _start(self, X: np.ndarray, lengths: np.ndarray, states: np.ndarray | None, start: int) -> None:
        n_states = self.n_components
        if n_states < 1:
            raise ValueError(f"n_components must be 1 or more, it is {n_states}")
        rng = self._random(self.random_state, start)
        if self._is_to_start("s", "startprob_"):
            self.startprob_ = rng.dirichlet(np.full(n_states, 1.0 / n_states))
        if self._is_to_start("t", "transmat_"):
            self.transmat_ = rng.dirichlet(np.full(n_states, 1.0 / n_states), size=n_states)
        self._start_emission(X, self._random(self.random_state, start), start)
        if states is None or not np.any(states >= 0):
            return
        weights = np.zeros((len(X), n_states))
        known = np.flatnonzero(states >= 0)
        weights[known, states[known]] = 1.0
        begins = np.zeros(len(X), bool)
        begins[np.cumsum(lengths) - lengths] = True
        follows = np.flatnonzero((states[1:] >= 0) & (states[:-1] >= 0) & ~begins[1:])
        if "s" in self.init_params:
            self.startprob_ = (weights[begins].sum(axis=0) + 1) / (weights[begins].sum() + n_states)
        if "t" in self.init_params:
            # One of each: what was not seen among known states is not thereby impossible.
            moves = np.ones((n_states, n_states))
            np.add.at(moves, (states[follows], states[follows + 1]), 1.0)
            self.transmat_ = moves / moves.sum(axis=1, keepdims=True)
        if set(self.init_params) - {"s", "t"}:
            self._start_from_known(X, weights)

    def _is_to_start(self, letter: str, name: str) -> bool:
        return letter in self.init_params or not hasattr(self, name)

    def _random(self, random_state: Any, start: int = 0) -> Any:
        """A numpy RandomState: the one given, or a new one from a seed, another for each start."""
        if isinstance(random_state, np.random.RandomState):
            return random_state
        return check_random_state(int(random_state or 0) + start)

    def _check(self) -> None:
        n_states = self.n_components
        self.startprob_, self.transmat_ = np.asarray(self.startprob_, float), np.asarray(self.transmat_, float)
        if self.startprob_.shape != (n_states,):
            raise ValueError(f"startprob_ must have shape ({n_states},), it has {self.startprob_.shape}")
        if self.transmat_.shape != (n_states, n_states):
            raise ValueError(f"transmat_ must have shape ({n_states}, {n_states}), it has {self.transmat_.shape}")
        require_sums_of_1("startprob_", self.startprob_)
        require_sums_of_1("transmat_", self.transmat_)
        self._check_emission()

    def _require_fitted(self) -> None:
        for name in ("startprob_", "transmat_", *self._emission_names()):
            if not hasattr(self, name):
                raise ValueError(f"this model has no {name}: call fit first, or set it")
        self._check()

    def _checked_for_use(self, X: Any, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
        self._require_fitted()
        return self._checked(X, lengths)

    def _checked(self, X: Any, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
        X, lengths = checked_steps(X, lengths)
        return self._prepared(X), lengths

    def _n_free_parameters(self) -> int:
        return self.n_components - 1 + self.n_components * (self.n_components - 1) + self._n_emission_parameters()


def _held(log_b: np.ndarray, states: np.ndarray | None) -> np.ndarray:
    """`log_b` with all but the known state of a step made impossible."""
    if states is None:
        return log_b
    is_other = (states[:, None] >= 0) & (states[:, None] != np.arange(log_b.shape[1]))
    return np.where(is_other, -np.inf, log_b)
