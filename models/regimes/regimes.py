"""Regimes of mobility: a Gaussian HMM over weekday-adjusted categories, regions as separate sequences, states named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from models.hmm.choice import choose_n_states
from models.hmm.gaussian import CovarianceType, GaussianHMM
from models.regimes.states import change_points, mean_duration, restriction_level, state_names
from models.series.daily_grid import DailyGrid, without_weekday_effect
from models.settings import APPLYING, COMPARING, TRAINING, setting

FOUR_CATEGORIES = ("retail_and_recreation", "transit_stations", "workplaces", "residential")
CLEAR = 0.9  # our choice: a day whose state has this posterior probability counts as clear

RegimeProgress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class RegimeSettings:
    """How regimes are fitted. `categories`: the article's four; it leaves parks (seasons) and groceries (hoarding) out.

    `min_days`: regions with fewer observed days take no part. `n_states`: from `baseline` to `lockdown`; None: from 1
    to `most_states`, the number whose BIC is lowest. With thousands of region-days BIC takes whatever it is allowed
    (docs/decisions/0017-regimes.md): the bound keeps states that can be told apart by name. A new model is published
    where today's log-likelihood a day is not more than `tolerance` below that of the published one.
    """

    categories: tuple[str, ...] = setting(FOUR_CATEGORIES, decides=(TRAINING, APPLYING))
    n_states: int | None = None
    most_states: int = 4
    covariance_type: CovarianceType = "full"
    min_days: int = setting(60, decides=(TRAINING, APPLYING))
    n_iter: int = 100
    tol: float = 1.0
    seed: int = 1
    tolerance: float = setting(0.0, decides=(COMPARING,))


@dataclass(frozen=True)
class RegimeModel:
    """States of mobility: a model of columns from which `location` (D,) is taken and which are divided by `scale` (D,),
    both percent, and the `level` (S,) of its states, percent from the baseline, ascending.
    """

    hmm: GaussianHMM
    location: np.ndarray
    scale: np.ndarray
    level: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The states' names, from `baseline` to `lockdown`."""
        return state_names(self.hmm.n_components)


@dataclass(frozen=True)
class RegimeReading:
    """What a model makes of a grid of T days. `state` (T,) the most likely path; `probability` (T,) posterior of that
    state on that day; `expected_level` (T,) percent; `changes` (n,) days on which a region's state is another than on
    the day before.
    """

    state: np.ndarray
    probability: np.ndarray
    expected_level: np.ndarray
    log_likelihood_per_day: float
    mean_duration_days: float
    share_of_clear_days: float
    changes: np.ndarray


@dataclass(frozen=True)
class RegimeFit:
    """A fitted model, its reading of its own days, `log_likelihoods` by iteration, `bic` by number of states tried."""

    model: RegimeModel
    reading: RegimeReading
    log_likelihoods: tuple[float, ...]
    is_converged: bool
    one_state_log_likelihood_per_day: float
    bic: dict[int, float | None]

    @property
    def bic_beside_one_state(self) -> tuple[float, str | None, float | None]:
        """The criterion of the model taken, and where one state was tried too its name and criterion."""
        own = self.bic[self.model.hmm.n_components]
        if own is None:
            raise ValueError("the model taken has no criterion")
        return (own, "one_state", self.bic[1]) if 1 in self.bic else (own, None, None)


def fit_regimes(grid: DailyGrid, settings: RegimeSettings, progress: RegimeProgress | None = None) -> RegimeFit:
    """Regimes of all days of `grid`, whose columns are `settings.categories` in percent of the baseline.

    State 0 is nearest to the baseline and the last farthest, so that names stay the same from run to run. `progress` is
    told number of states, iteration and log-likelihood (of standardised columns). ValueError where there are too few
    distinct days.
    """
    adjusted = without_weekday_effect(grid)
    location, scale = np.nanmean(adjusted, axis=0), np.nanstd(adjusted, axis=0)
    scale[scale == 0] = 1.0  # a constant column says nothing and stays
    X = (adjusted - location) / scale
    numbers = range(1, settings.most_states + 1) if settings.n_states is None else [settings.n_states]
    present = [0]

    def make(n_states: int) -> GaussianHMM:
        present[0] = n_states
        return _untrained(n_states, settings)

    def tell(iteration: int, log_likelihood: float) -> None:
        if progress is not None:
            progress(present[0], iteration, log_likelihood)

    choice = choose_n_states(make, numbers, X, grid.lengths, progress=tell)
    level = restriction_level(choice.model.means_ * scale + location, settings.categories)
    order = np.argsort(level, kind="stable")
    model = RegimeModel(choice.model.reordered(order), location, scale, level[order])
    one_state = GaussianHMM(1, settings.covariance_type, n_iter=2, random_state=settings.seed).fit(X, grid.lengths)
    reading, monitor = read_regimes(model, grid), choice.model.monitor_
    baseline = _per_day(one_state.score(X, grid.lengths), grid, scale)
    return RegimeFit(model, reading, tuple(monitor.history), monitor.converged, baseline, choice.bic)


def read_regimes(model: RegimeModel, grid: DailyGrid) -> RegimeReading:
    """What `model` makes of `grid`, whose columns are those that it was fitted to."""
    X = (without_weekday_effect(grid) - model.location) / model.scale
    log_likelihood, gamma = model.hmm.score_samples(X, grid.lengths)
    state = model.hmm.predict(X, grid.lengths)
    # Rounding of the posterior can leave 1 + 1e-16.
    probability = np.clip(gamma[np.arange(len(state)), state], 0.0, 1.0)
    return RegimeReading(
        state,
        probability,
        gamma @ model.level,
        _per_day(log_likelihood, grid, model.scale),
        mean_duration(state, grid.lengths),
        float((probability[grid.is_observed] >= CLEAR).mean()),
        change_points(state, grid.lengths),
    )


def as_tensors(model: RegimeModel) -> dict[str, np.ndarray]:
    """The arrays of the model by name, columns in standard units, covariances in full."""
    return {
        "startprob": model.hmm.startprob_,
        "transmat": model.hmm.transmat_,
        "means": model.hmm.means_,
        "covars": model.hmm.covars_,
        "location": model.location,
        "scale": model.scale,
        "level": model.level,
    }


def from_tensors(tensors: Mapping[str, np.ndarray]) -> RegimeModel:
    """The model that `as_tensors` took apart. ValueError where the arrays are not those of one."""
    try:
        hmm = GaussianHMM(len(tensors["startprob"]), "full")
        hmm.startprob_, hmm.transmat_, hmm.means_ = (
            np.array(tensors[name]) for name in ("startprob", "transmat", "means")
        )
        hmm.covars_ = tensors["covars"]
        hmm.get_stationary_distribution()  # refuses what does not fit
        return RegimeModel(hmm, tensors["location"], tensors["scale"], tensors["level"])
    except KeyError as error:
        raise ValueError(f"regimes without {error}") from error


def _per_day(log_likelihood: float, grid: DailyGrid, scale: np.ndarray) -> float:
    """Mean over observed days, for columns in percent, from that of columns over `scale`: to compare models."""
    n_values = (~np.isnan(grid.values)).sum(axis=0)
    return float((log_likelihood - n_values @ np.log(scale)) / grid.is_observed.sum())


def _untrained(n_states: int, settings: RegimeSettings) -> GaussianHMM:
    """A model that begins with a chain that favours nothing, and k-means centres."""
    model = GaussianHMM(
        n_states,
        settings.covariance_type,
        n_iter=settings.n_iter,
        tol=settings.tol,
        random_state=settings.seed,
        init_params="mc",
    )
    model.startprob_, model.transmat_ = np.full(n_states, 1.0 / n_states), np.full((n_states, n_states), 1.0 / n_states)
    return model


def rank_agreement(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Spearman's rank correlation where both (n,) are numbers; None where fewer than three are or one is constant."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    if both.sum() < 3 or np.ptp(ours[both]) == 0 or np.ptp(theirs[both]) == 0:
        return None
    from scipy.stats import spearmanr  # noqa: PLC0415  # a second that a plan never pays

    return float(spearmanr(ours[both], theirs[both]).statistic)
