"""Hidden Markov models whose states emit mixtures of Gaussians: `GMMHMM`; surface as in hmmlearn 0.3.3.

Legend beside those of `models.hmm.gaussian`
    m                 component of a state's mixture, 0..M-1
    weights_[i, m]    probability of component m in state i, shape (S, M)
    means_[i, m, d]   shape (S, M, D)
    covars_           shape (S, M) spherical, (S, M, D) diag, (S, M, D, D) full, (S, D, D) tied: one for all components
                      of a state
    alpha, beta       `covars_prior` and `covars_weight` of inverse gamma priors (spherical, diag); of inverse Wishart
                      priors (full, tied) they are the matrix and its degrees of freedom. The defaults stand for none;
                      hmmlearn's spherical default is kept

Covariances are estimated about the means before the step, then the means move (as in hmmlearn): each half raises the
objective.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp, xlogy

from models.hmm.convergence import ConvergenceMonitor
from models.hmm.counts import require_columns
from models.hmm.estimator import HiddenMarkovModel
from models.hmm.gaussian import (
    COVAR_FLOOR,
    COVARIANCE_TYPES,
    CovarianceType,
    centre_and_spread,
    cluster_centres,
    complete_rows,
    floored,
    n_covariance_parameters,
    own_covariance,
)
from models.hmm.gaussian_density import expected_moments, log_density
from models.hmm.inputs import require_sums_of_1


class GMMHMM(HiddenMarkovModel):
    """Mixtures of Gaussians. Fitted: `startprob_`, `transmat_`, `weights_`, `means_`, `covars_`, `n_features` (D)."""

    def __init__(  # noqa: PLR0917  # hmmlearn's signature
        self,
        n_components: int = 1,
        n_mix: int = 1,
        min_covar: float = 1e-3,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        weights_prior: Any = 1.0,
        means_prior: Any = 0.0,
        means_weight: Any = 0.0,
        covars_prior: Any = None,
        covars_weight: Any = None,
        algorithm: str = "viterbi",
        covariance_type: CovarianceType = "diag",
        random_state: Any = None,
        n_iter: int = 10,
        tol: float = 1e-2,
        verbose: bool = False,  # noqa: FBT001, FBT002  # hmmlearn's signature
        params: str = "stmcw",
        init_params: str = "stmcw",
        implementation: str = "log",  # hmmlearn's signature
        n_starts: int = 1,
        n_jobs: int = 1,
        covar_floor: float = COVAR_FLOOR,
    ) -> None:
        self.n_components = n_components
        self.n_mix = n_mix
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.weights_prior = weights_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.algorithm = algorithm
        self.covariance_type: CovarianceType = covariance_type
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.n_starts = n_starts
        self.n_jobs = n_jobs
        self.covar_floor = covar_floor
        self.monitor_ = ConvergenceMonitor(tol, n_iter, verbose)

    @property
    def _is_diagonal(self) -> bool:
        return self.covariance_type in ("spherical", "diag")

    @property
    def _flat_means(self) -> np.ndarray:
        return self.means_.reshape(-1, self.n_features)

    @property
    def _flat_covars(self) -> np.ndarray:
        """Covariances of all components in full, (S * M, D, D)."""
        n_columns, covars = self.n_features, self.covars_
        if self.covariance_type == "spherical":
            return np.asarray(covars.reshape(-1, 1, 1) * np.eye(n_columns))
        if self.covariance_type == "diag":
            return np.asarray(covars.reshape(-1, n_columns, 1) * np.eye(n_columns))
        return (
            np.repeat(covars, self.n_mix, axis=0)
            if self.covariance_type == "tied"
            else covars.reshape(-1, n_columns, n_columns)
        )

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(X, np.float64)

    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:
        if self.covariance_type not in COVARIANCE_TYPES:
            raise ValueError(
                f"covariance_type must be one of {', '.join(COVARIANCE_TYPES)}, it is {self.covariance_type!r}"
            )
        n_states, n_mix = self.n_components, self.n_mix
        self.n_features = X.shape[1]
        complete = complete_rows(X)
        self._centre, self._spread = centre_and_spread(X)
        covariance = own_covariance(complete, self.min_covar)
        if self._is_to_start("w", "weights_"):
            self.weights_ = np.full((n_states, n_mix), 1.0 / n_mix)
        if self._is_to_start("m", "means_"):
            centres = cluster_centres(complete, n_states, self.random_state, rng, start)
            nearest = ((complete[:, None, :] - centres) ** 2).sum(axis=-1).argmin(axis=1)
            means = []
            for state in range(n_states):
                of_state = complete[nearest == state]
                if len(of_state) and len(np.unique(of_state, axis=0)) >= n_mix:
                    means.append(cluster_centres(of_state, n_mix, self.random_state, rng, start))
                else:  # too few rows to part: components around the centre of all
                    means.append(rng.multivariate_normal(centres.mean(axis=0), covariance, size=n_mix))
            self.means_ = np.stack(means)
        if self._is_to_start("c", "covars_"):
            shapes = {"spherical": np.mean(np.diag(covariance)), "diag": np.diag(covariance)}
            self.covars_ = np.broadcast_to(shapes.get(self.covariance_type, covariance), self._covars_shape()).copy()

    def _covars_shape(self) -> tuple[int, ...]:
        n_states, n_mix, n_columns = self.n_components, self.n_mix, self.n_features
        return {
            "spherical": (n_states, n_mix),
            "diag": (n_states, n_mix, n_columns),
            "full": (n_states, n_mix, n_columns, n_columns),
            "tied": (n_states, n_columns, n_columns),
        }[self.covariance_type]

    def _check_emission(self) -> None:
        self.weights_, self.means_ = np.asarray(self.weights_, np.float64), np.asarray(self.means_, np.float64)
        self.covars_ = np.asarray(self.covars_, np.float64)
        if self.means_.ndim != 3:
            raise ValueError(f"means_ must have shape (states, components, columns), it has {self.means_.shape}")
        self.n_features = self.means_.shape[2]
        wanted = {"weights_": (self.n_components, self.n_mix), "covars_": self._covars_shape()}
        wanted["means_"] = (self.n_components, self.n_mix, self.n_features)
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, it has {getattr(self, name).shape}")
        require_sums_of_1("weights_", self.weights_)
        is_positive = np.all(self.covars_ > 0) if self._is_diagonal else np.all(np.linalg.eigvalsh(self.covars_) > 0)
        if not is_positive:
            raise ValueError("covars_ must be positive, matrices positive definite")

    def _log_joint(self, X: np.ndarray) -> np.ndarray:
        """Log of weight times density of every component, (T, S, M)."""
        require_columns(X, self.n_features)
        density = log_density(X, self._flat_means, self._flat_covars, is_diagonal=self._is_diagonal)
        with np.errstate(divide="ignore"):  # a component of weight 0 is impossible
            return density.reshape(len(X), self.n_components, self.n_mix) + np.log(self.weights_)

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(logsumexp(self._log_joint(X), axis=2))

    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        there = weights.T @ ~np.isnan(X)
        known = (weights.T @ np.nan_to_num(X)) / np.where(there > 0, there, 1.0)
        shift = np.where(there > 0, known - self.means_.mean(axis=1), 0.0)
        self.means_ = self.means_ + shift[:, None, :]

    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """Weight of each component over all rows (S, M), and counts and moments of its columns where they are there."""
        joint = self._log_joint(X)
        share = np.exp(joint - logsumexp(joint, axis=2, keepdims=True)) * gamma[:, :, None]
        flat = np.ascontiguousarray(share.reshape(len(X), -1))
        moments = expected_moments(
            X, flat, self._flat_means, self._flat_covars, self._centre, is_diagonal=self._is_diagonal
        )
        return share.sum(axis=0), *moments

    def _maximise(self, *statistics: np.ndarray) -> None:
        shares, counts, first, second = statistics
        before = self.means_
        pull = np.broadcast_to(self.means_weight, before.shape[:2])[:, :, None]
        if "w" in self.params:
            raised = np.maximum(shares + np.asarray(self.weights_prior) - 1, 0.0)
            total = raised.sum(axis=1, keepdims=True)
            self.weights_ = np.where(total > 0, raised / np.where(total > 0, total, 1.0), self.weights_)
        if "m" in self.params:
            there, sums = counts.reshape(before.shape), (first + counts * self._centre).reshape(before.shape)
            weight = there + pull
            moved = (sums + pull * np.asarray(self.means_prior)) / np.where(weight > 0, weight, 1.0)
            self.means_ = np.where(weight > 0, moved, before)
        if "c" in self.params:
            off = before.reshape(-1, self.n_features) - self._centre
            scatter = second - first[:, :, None] * off[:, None, :] - off[:, :, None] * first[:, None, :]
            scatter = scatter + counts[:, :, None] * off[:, :, None] * off[:, None, :]
            self._maximise_covars(counts, scatter + self._pulled(before))

    def _pulled(self, means: np.ndarray) -> np.ndarray:
        """The prior's share of the scatter of each component, (S * M, D, D)."""
        away = (means - np.asarray(self.means_prior)).reshape(-1, self.n_features)
        pull = np.broadcast_to(self.means_weight, means.shape[:2]).reshape(-1, 1, 1)
        return np.asarray(pull * away[:, :, None] * away[:, None, :])

    def _covars_priors(self) -> tuple[np.ndarray, np.ndarray]:
        """What the prior adds to the scatter and its weight, broadcast against `covars_` (matrices to (..., 1, 1))."""
        n_columns, n_mix, prior, weight = self.n_features, self.n_mix, self.covars_prior, self.covars_weight
        if self._is_diagonal:
            default = -1.5 if self.covariance_type == "diag" else -(n_mix + 2.0) / 2.0
            alpha, beta = np.asarray(default if prior is None else prior), np.asarray(0.0 if weight is None else weight)
            return 2.0 * beta, (1.0 if self.covariance_type == "diag" else n_columns) + 2.0 * (alpha + 1.0)
        n_tied = n_mix if self.covariance_type == "tied" else 1
        freedom = np.asarray(-(n_tied + n_columns + 1.0) if weight is None else weight) + n_tied + n_columns + 1.0
        psi = np.asarray(0.0 if prior is None else prior, np.float64)
        return (np.swapaxes(psi, -1, -2) if psi.ndim > 1 else psi), freedom

    def _maximise_covars(self, counts: np.ndarray, scatter: np.ndarray) -> None:
        prior, prior_weight = self._covars_priors()
        n_states, n_mix, n_columns = self.means_.shape
        if self.covariance_type == "tied":
            total = scatter.reshape(n_states, n_mix, n_columns, n_columns).sum(axis=1) + prior
            weight = (counts[:, 0].reshape(n_states, n_mix).sum(axis=1) + prior_weight)[:, None, None]
        elif self.covariance_type == "full":
            total = scatter.reshape(self.covars_.shape) + prior
            weight = (counts[:, 0].reshape(n_states, n_mix) + prior_weight)[:, :, None, None]
        else:
            squares = np.diagonal(scatter, axis1=1, axis2=2).reshape(self.means_.shape)
            there = counts.reshape(self.means_.shape)
            is_spherical = self.covariance_type == "spherical"
            total = (squares.sum(axis=2) if is_spherical else squares) + prior
            weight = (there.sum(axis=2) if is_spherical else there) + prior_weight
        is_used = weight > 1e-10  # rounding: nobody is in such a component, and it stays what it was
        self.covars_ = np.where(is_used, total / np.where(is_used, weight, 1.0), self.covars_)
        names = [f"{i} component {m}" for i in range(n_states) for m in range(n_mix)]
        flat = floored(self._flat_covars, self._spread, self.covar_floor, is_diagonal=self._is_diagonal, names=names)
        if self.covariance_type == "tied":
            self.covars_ = flat[::n_mix]
        elif self.covariance_type == "full":
            self.covars_ = flat.reshape(self.covars_.shape)
        else:
            variances = np.diagonal(flat, axis1=1, axis2=2).reshape(self.means_.shape)
            self.covars_ = variances.mean(axis=2) if self.covariance_type == "spherical" else variances.copy()

    def _emission_log_prior(self) -> float:
        prior, prior_weight = self._covars_priors()
        pulls = np.trace(np.linalg.solve(self._flat_covars, self._pulled(self.means_)), axis1=1, axis2=2).sum()
        if self._is_diagonal:
            covars = np.sum(prior_weight * np.log(self.covars_) + prior / self.covars_)
        else:
            spread = np.broadcast_to(prior, self.covars_.shape)
            covars = np.sum(
                prior_weight * np.linalg.slogdet(self.covars_)[1]
                + np.trace(np.linalg.solve(self.covars_, spread), axis1=-2, axis2=-1)
            )
        return float(np.sum(xlogy(np.asarray(self.weights_prior) - 1, self.weights_)) - 0.5 * (covars + pulls))

    def _draw(self, state: int, rng: Any) -> Any:
        component = rng.choice(self.n_mix, p=self.weights_[state])
        return rng.multivariate_normal(self.means_[state, component], self._flat_covars[state * self.n_mix + component])

    def _n_emission_parameters(self) -> int:
        n_states, n_mix, n_columns = self.means_.shape
        n_covars = n_covariance_parameters(self.covariance_type, n_states * n_mix, n_columns)
        n_covars *= n_states if self.covariance_type == "tied" else 1
        return n_states * n_mix * n_columns + n_covars + n_states * (n_mix - 1)

    def _reorder_emission(self, order: np.ndarray) -> None:
        self.weights_, self.means_, self.covars_ = self.weights_[order], self.means_[order], self.covars_[order]

    def _emission_names(self) -> tuple[str, ...]:
        return ("weights_", "means_", "covars_")
