"""Regimes of mobility: a Gaussian HMM over weekday-adjusted categories, pooled over regions as separate sequences, states named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.daily_grid import DailyGrid, without_weekday_effect
from models.hmm_choice import choose_n_states
from models.hmm_gaussian import CovarianceType, GaussianHMM
from models.regime_states import change_points, mean_duration, restriction_level, state_names

CLEAR = 0.9  # our choice: a day whose state has this posterior probability counts as clear


@dataclass(frozen=True)
class RegimeSettings:
    """How regimes are fitted. `categories`: the article's four; it leaves parks (seasons) and groceries (hoarding) out.

    `min_days`: regions with fewer observed days take no part. `n_states`: from `baseline` to `lockdown`; None: from 1 to `most_states`, the
    number whose BIC is lowest. With thousands of region-days BIC takes whatever it is allowed: the bound keeps states that can be told
    apart by name.
    """

    categories: tuple[str, ...] = ("retail_and_recreation", "transit_stations", "workplaces", "residential")
    n_states: int | None = None
    most_states: int = 4
    covariance_type: CovarianceType = "full"
    min_days: int = 60
    n_iter: int = 100
    tol: float = 1.0
    seed: int = 1


@dataclass(frozen=True)
class RegimeFit:
    """Fitted regimes. `state` int32 (T,) and `probability` (T,) by day of the grid; `names` (S,); `level` (S,) percent from the
    baseline; `bic` by number of states tried; `changes` (n,) steps on which a region's state is another than on the day before; `model` in standardised columns, `location` and `scale` (D,) bring them back to percent; `log_likelihoods` by iteration.
    """

    model: GaussianHMM
    location: np.ndarray
    scale: np.ndarray
    state: np.ndarray
    probability: np.ndarray
    names: tuple[str, ...]
    level: np.ndarray
    expected_level: np.ndarray
    log_likelihoods: tuple[float, ...]
    log_likelihood_per_day: float
    one_state_log_likelihood_per_day: float
    mean_duration_days: float
    share_of_clear_days: float
    bic: dict[int, float | None]
    changes: np.ndarray

    @property
    def bic_beside_one_state(self) -> tuple[float, str | None, float | None]:
        """The criterion of the model taken, and where one state was tried too its name and criterion."""
        own = self.bic[len(self.names)]
        if own is None:
            raise ValueError("the model taken has no criterion")
        return (own, "one_state", self.bic[1]) if 1 in self.bic else (own, None, None)


def fit_regimes(grid: DailyGrid, settings: RegimeSettings, progress: Callable[[int, float], None] | None = None) -> RegimeFit:
    """Regimes of all days of `grid`, whose columns are `settings.categories` in percent of the baseline.

    State 0 is nearest to the baseline and the last farthest, so that names stay the same from run to run. ValueError from the model
    where there are too few distinct days.
    """
    adjusted = without_weekday_effect(grid)
    location, scale = np.nanmean(adjusted, axis=0), np.nanstd(adjusted, axis=0)
    scale[scale == 0] = 1.0  # a constant column says nothing and stays
    X = (adjusted - location) / scale
    numbers = range(1, settings.most_states + 1) if settings.n_states is None else [settings.n_states]
    choice = choose_n_states(partial(_untrained, settings=settings), numbers, X, grid.lengths, progress=progress)
    model = choice.model
    level = restriction_level(model.means_ * scale + location, settings.categories)
    order = np.argsort(level, kind="stable")
    model.reordered(order)
    level = level[order]
    one_state = GaussianHMM(1, settings.covariance_type, n_iter=2, random_state=settings.seed).fit(X, grid.lengths)
    log_likelihood, gamma = model.score_samples(X, grid.lengths)
    state = model.predict(X, grid.lengths)
    probability = gamma[np.arange(len(state)), state]
    n_days = int(grid.is_observed.sum())
    return RegimeFit(
        model,
        location,
        scale,
        state,
        probability,
        state_names(model.n_components),
        level,
        gamma @ level,
        tuple(model.monitor_.history),
        log_likelihood / n_days,
        one_state.score(X, grid.lengths) / n_days,
        mean_duration(state, grid.lengths),
        float((probability[grid.is_observed] >= CLEAR).mean()),
        choice.bic,
        change_points(state, grid.lengths),
    )


def _untrained(n_states: int, settings: RegimeSettings) -> GaussianHMM:
    """A model that begins with a chain that favours nothing, and k-means centres."""
    model = GaussianHMM(
        n_states, settings.covariance_type, n_iter=settings.n_iter, tol=settings.tol, random_state=settings.seed, init_params="mc"
    )
    model.startprob_, model.transmat_ = np.full(n_states, 1.0 / n_states), np.full((n_states, n_states), 1.0 / n_states)
    return model


def rank_agreement(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Spearman's rank correlation over the days where both (n,) are numbers; None where fewer than three are or one is constant."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    if both.sum() < 3 or np.ptp(ours[both]) == 0 or np.ptp(theirs[both]) == 0:
        return None
    from scipy.stats import spearmanr  # noqa: PLC0415  # a second that a plan never pays

    return float(spearmanr(ours[both], theirs[both]).statistic)
