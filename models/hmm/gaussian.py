"""Hidden Markov models with Gaussian emissions; surface as in hmmlearn 0.3.3.

Legend beside those of `models.hmm.estimator` and `models.hmm.gaussian_density`
    means_[i, d]      means, shape (S, D)
    covars_           set as (S,) spherical, (S, D) diag, (S, D, D) full, (D, D) tied; read always as (S, D, D)
    covars_prior      added to each state's scatter matrix (to all its entries, as in hmmlearn), `covars_weight` to its
                      weight

No variance falls below `covar_floor` times its column's own (in full covariances: none of any direction, columns scaled
to variance 1): without a floor, a state that explains equal rows has an infinite likelihood. A CovarianceFloorWarning
names such states.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from models.hmm.convergence import ConvergenceMonitor
from models.hmm.counts import require_columns
from models.hmm.estimator import HiddenMarkovModel
from models.hmm.gaussian_density import column_moments, expected_moments, log_density

CovarianceType = Literal["spherical", "diag", "full", "tied"]
COVARIANCE_TYPES = get_args(CovarianceType)
# Our choice: a standard deviation 30,000 times smaller than the column's; float64 still solves with it.
COVAR_FLOOR = 1e-9


class CovarianceFloorWarning(UserWarning):
    """A state's variance fell to the floor: it explains too few or equal observations."""


class GaussianHMM(HiddenMarkovModel):
    """Gaussian emissions. Fitted attributes `startprob_`, `transmat_`, `means_`, `covars_`, `n_features` (D)."""

    def __init__(  # noqa: PLR0917  # hmmlearn's signature
        self,
        n_components: int = 1,
        covariance_type: CovarianceType = "diag",
        min_covar: float = 1e-3,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        means_prior: Any = 0,
        means_weight: Any = 0,
        covars_prior: Any = 1e-2,
        covars_weight: Any = 1,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int = 10,
        tol: float = 1e-2,
        verbose: bool = False,  # noqa: FBT001, FBT002  # hmmlearn's signature
        params: str = "stmc",
        init_params: str = "stmc",
        implementation: str = "log",
        n_starts: int = 1,
        n_jobs: int = 1,
        covar_floor: float = COVAR_FLOOR,
    ) -> None:
        self.n_components = n_components
        self.covariance_type: CovarianceType = covariance_type
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
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
        self.covar_floor = covar_floor
        self.monitor_ = ConvergenceMonitor(tol, n_iter, verbose)

    @property
    def covars_(self) -> np.ndarray:
        """Covariances in full, (S, D, D)."""
        n_states, n_columns = self.means_.shape
        if self.covariance_type == "spherical":
            return np.asarray(self._covars_.reshape(n_states, -1)[:, :1, None] * np.eye(n_columns))
        if self.covariance_type == "diag":
            return np.asarray(self._covars_[:, :, None] * np.eye(n_columns))
        return np.tile(self._covars_, (n_states, 1, 1)) if self.covariance_type == "tied" else self._covars_

    @covars_.setter
    def covars_(self, covars: Any) -> None:
        self._covars_ = np.array(covars, np.float64)
        n_axes = {"spherical": (1, 2), "diag": (2,), "full": (3,), "tied": (2,)}[self.covariance_type]
        if self._covars_.ndim not in n_axes or (
            self.covariance_type != "tied" and len(self._covars_) != self.n_components
        ):
            raise ValueError(
                f"{self.covariance_type} covars_ of {self.n_components} states cannot have shape {self._covars_.shape}"
            )
        if self.covariance_type in ("spherical", "diag"):
            is_positive = bool(np.all(self._covars_ > 0))
        else:
            is_symmetric = np.allclose(self._covars_, np.swapaxes(self._covars_, -1, -2))
            is_positive = is_symmetric and bool(np.all(np.linalg.eigvalsh(self._covars_) > 0))
        if not is_positive:
            raise ValueError("covars_ must be positive, matrices symmetric and positive definite")

    @property
    def _is_diagonal(self) -> bool:
        return self.covariance_type in ("spherical", "diag")

    def _prepared(self, X: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(X, np.float64)

    def _start_emission(self, X: np.ndarray, rng: Any, start: int) -> None:
        if self.covariance_type not in COVARIANCE_TYPES:
            raise ValueError(
                f"covariance_type must be one of {', '.join(COVARIANCE_TYPES)}, it is {self.covariance_type!r}"
            )
        self.n_features = X.shape[1]
        self._centre, self._spread = centre_and_spread(X)
        if self._is_to_start("m", "means_"):
            self.means_ = cluster_centres(complete_rows(X), self.n_components, self.random_state, rng, start)
        if self._is_to_start("c", "covars_"):
            self._covars_ = self._shaped(
                np.stack([own_covariance(complete_rows(X), self.min_covar)] * self.n_components)
            )

    def _is_to_start(self, letter: str, name: str) -> bool:
        return super()._is_to_start(letter, "_covars_" if name == "covars_" else name)

    def _check_emission(self) -> None:
        self.means_ = np.asarray(self.means_, np.float64)
        if self.means_.ndim != 2 or len(self.means_) != self.n_components:
            raise ValueError(f"means_ must have shape ({self.n_components}, columns), it has {self.means_.shape}")
        self.n_features = self.means_.shape[1]

    def _log_emission(self, X: np.ndarray) -> np.ndarray:
        require_columns(X, self.n_features)
        return log_density(X, self.means_, self.covars_, is_diagonal=self._is_diagonal)

    def _start_from_known(self, X: np.ndarray, weights: np.ndarray) -> None:
        there = weights.T @ ~np.isnan(X)
        means = (weights.T @ np.nan_to_num(X)) / np.where(there > 0, there, 1.0)
        self.means_ = np.where(there > 0, means, self.means_)

    def _statistics(self, X: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, ...]:
        """Counts (S, D), first and second moments about the data's own mean, (S, D) and (S, D, D)."""
        return expected_moments(X, gamma, self.means_, self.covars_, self._centre, is_diagonal=self._is_diagonal)

    def _maximise(self, *statistics: np.ndarray) -> None:
        counts, first, second = statistics
        there = counts > 0
        if "m" in self.params:
            weight = self.means_weight + counts
            moved = (self.means_weight * np.asarray(self.means_prior) + first + counts * self._centre) / np.where(
                weight > 0, weight, 1.0
            )
            self.means_ = np.where(weight > 0, moved, self.means_)
        if "c" not in self.params:
            return
        off = self.means_ - self._centre
        scatter = second - first[:, :, None] * off[:, None, :] - off[:, :, None] * first[:, None, :]
        scatter = scatter + counts[:, :, None] * off[:, :, None] * off[:, None, :]
        away = self.means_ - np.asarray(self.means_prior)
        scatter = (
            scatter
            + np.broadcast_to(self.means_weight, self.means_.shape)[:, :, None] * away[:, :, None] * away[:, None, :]
        )
        covars = self.covars_.copy()
        if self.covariance_type == "tied":
            covars[:] = (self.covars_prior + scatter.sum(axis=0)) / (
                max(self.covars_weight - self.n_features, 0) + counts[:, 0].sum()
            )
        elif self.covariance_type == "full":
            weight = max(self.covars_weight - self.n_features, 0) + counts[:, 0]
            covars[there[:, 0]] = ((self.covars_prior + scatter) / np.where(weight > 0, weight, 1.0)[:, None, None])[
                there[:, 0]
            ]
        else:
            squares = np.diagonal(scatter, axis1=1, axis2=2)
            weight = np.maximum(max(self.covars_weight - 1, 0) + counts, 1e-5)  # hmmlearn's bound
            variances = (self.covars_prior + squares) / weight
            if self.covariance_type == "spherical":  # columns that are there more often weigh more
                variances = np.broadcast_to(
                    ((variances * weight).sum(axis=1) / weight.sum(axis=1))[:, None], variances.shape
                )
            covars[there.all(axis=1)] = (variances[:, :, None] * np.eye(self.n_features))[there.all(axis=1)]
        self._covars_ = self._shaped(floored(covars, self._spread, self.covar_floor, is_diagonal=self._is_diagonal))

    def _shaped(self, covars: np.ndarray) -> np.ndarray:
        """Full covariances (S, D, D) in the shape of the covariance type."""
        if self.covariance_type == "tied":
            return covars[0]
        if self.covariance_type == "full":
            return covars
        variances = np.diagonal(covars, axis1=1, axis2=2).copy()
        return variances.mean(axis=1) if self.covariance_type == "spherical" else variances

    def _emission_log_prior(self) -> float:
        """What the M step maximises besides the likelihood: -1/2 (weight log det + trace(prior and pull / Sigma))."""
        covars, away = self.covars_, self.means_ - np.asarray(self.means_prior)
        pull = np.broadcast_to(self.means_weight, self.means_.shape)[:, :, None] * away[:, :, None] * away[:, None, :]
        n_free = self.n_features if not self._is_diagonal else 1
        weight = max(self.covars_weight - n_free, 0)
        prior = np.broadcast_to(self.covars_prior, covars.shape).astype(np.float64)
        if self._is_diagonal:
            prior, pull = prior * np.eye(self.n_features), pull * np.eye(self.n_features)
        share = np.arange(len(covars)) == 0 if self.covariance_type == "tied" else np.ones(len(covars))
        traces = np.trace(np.linalg.solve(covars, prior * share[:, None, None] + pull), axis1=1, axis2=2)
        return float(-0.5 * np.sum(weight * share * np.linalg.slogdet(covars)[1] + traces))

    def _draw(self, state: int, rng: Any) -> Any:
        return rng.multivariate_normal(self.means_[state], self.covars_[state])

    def _n_emission_parameters(self) -> int:
        n_states, n_columns = self.means_.shape
        return n_states * n_columns + n_covariance_parameters(self.covariance_type, n_states, n_columns)

    def _reorder_emission(self, order: np.ndarray) -> None:
        self.means_ = self.means_[order]
        if self.covariance_type != "tied":
            self._covars_ = self._covars_[order]

    def _emission_names(self) -> tuple[str, ...]:
        return ("means_", "covars_")


def n_covariance_parameters(covariance_type: CovarianceType, n_gaussians: int, n_columns: int) -> int:
    """Free parameters of `n_gaussians` covariances; tied ones count once."""
    of_matrix = n_columns * (n_columns + 1) // 2
    return {
        "spherical": n_gaussians,
        "diag": n_gaussians * n_columns,
        "full": n_gaussians * of_matrix,
        "tied": of_matrix,
    }[covariance_type]


def complete_rows(X: np.ndarray) -> np.ndarray:
    """The rows of X without a missing value."""
    return X[~np.isnan(X).any(axis=1)]


def centre_and_spread(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, (D,), missing values left out; of a constant column its size, and 1
    where that is 0.

    ValueError where a column has no value at all.
    """
    n_there, mean, _ = column_moments(X, np.zeros(X.shape[1]))
    if not n_there.all():
        raise ValueError(f"column {int(n_there.argmin())} of X has no value at all: leave it out")
    _, mean, spread = column_moments(X, mean)  # about the mean large offsets cost no digits
    size = np.abs(mean)
    return mean, np.where(spread > 1e-12 * size, spread, np.where(size > 0, size, 1.0))  # below that it is rounding


def cluster_centres(complete: np.ndarray, n_clusters: int, random_state: Any, rng: Any, start: int) -> np.ndarray:
    """Centres by k-means as hmmlearn begins with them, or from one random start where `start` is not 0.

    ValueError where there are fewer distinct rows than clusters.
    """
    n_distinct = len(np.unique(complete, axis=0)) if len(complete) else 0
    if n_distinct < n_clusters:
        raise ValueError(
            f"{n_clusters} states need as many distinct complete rows, there are {n_distinct}:"
            " ask for fewer states or give more data"
        )
    seed = rng if isinstance(random_state, np.random.RandomState) else int(random_state or 0) + start
    from sklearn.cluster import KMeans  # noqa: PLC0415  # seconds that only a fit pays
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

    # One thread: sums over several differ in their last bits from machine to machine, and on a busy one they wait for
    # each other (a fit of 7,000 days with both cores taken: 14.6 s with two threads, 1.0 s with one).
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(
            KMeans(n_clusters, random_state=seed, n_init=1 if start else 10).fit(complete).cluster_centers_
        )


def own_covariance(complete: np.ndarray, min_covar: float) -> np.ndarray:
    """Covariance of the rows, (D, D), with `min_covar` added to its diagonal."""
    covariance = np.atleast_2d(np.cov(complete.T)) if len(complete) > 1 else np.zeros((complete.shape[1],) * 2)
    return np.asarray(covariance + min_covar * np.eye(complete.shape[1]))


def floored(
    covars: np.ndarray, spread: np.ndarray, floor: float, *, is_diagonal: bool, names: Sequence[str] | None = None
) -> np.ndarray:
    """`covars` (M, D, D) with no variance below `floor` times the square of the columns' `spread` (D,); warns of those
    that were.

    Each is the most likely covariance above the floor: eigenvalues of the matrix in standardised columns are lifted to
    it.
    """
    scale = np.outer(spread, spread)
    if is_diagonal:
        values, vectors = np.diagonal(covars, axis1=1, axis2=2) / spread**2, None
    else:
        values, vectors = np.linalg.eigh((covars + np.swapaxes(covars, 1, 2)) / (2 * scale))
    low = np.flatnonzero((values < floor).any(axis=1))
    if not len(low):
        return covars
    lifted = covars.copy()
    for m in low:
        kept = np.maximum(values[m], floor)
        lifted[m] = (np.diag(kept) if vectors is None else (vectors[m] * kept) @ vectors[m].T) * scale
    which = ", ".join(names[int(m)] if names else str(m) for m in low)
    warnings.warn(
        f"the variance of state {which} fell to the floor, {floor:g} of its column's:"
        " it explains too few or equal rows",
        CovarianceFloorWarning,
        stacklevel=4,
    )
    return lifted
