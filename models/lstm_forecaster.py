"""An LSTM that forecasts daily series by region: what it adds to the seasonal naive forecast, as mean and 10 % and 90 % quantiles.

One model over all regions. It reads the last W days (`models.forecast_windows.past_features`) and says, for each of H days ahead and
each of C categories, three numbers in units of the category's standard deviation: the mean's distance from the seasonal naive
forecast, and how far the two quantiles lie from the mean (softplus, so that p10 <= mean <= p90 always).

Loss: squared error of the mean plus pinball losses of the quantiles (Koenker and Bassett 1978), over what was published.
Deliberately not here yet: peepholes, truncated back propagation, embeddings of region and category, calibrated intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.daily_grid import DailyGrid
from models.forecast_settings import ForecastSettings
from models.forecast_windows import WEEK, Scaling, fit_scaling, future_values, past_features, seasonal_naive, window_places

QUANTILES = (0.1, 0.9)


class NonFiniteLossError(ArithmeticError):
    """Training met a loss that is no number; the message names epoch and batch."""


class ForecastNetwork(nn.Module):
    """LSTM over the past, one linear layer from its last state and the last week. Input (n, W, F), output (n, H, C, 3).

    The last week goes in directly because it is what the seasonal naive forecast repeats: what of it was noise must be taken off.
    """

    def __init__(self, n_features: int, hidden_size: int, horizon: int, n_categories: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size + WEEK * n_features, horizon * n_categories * 3)
        self.shape = (horizon, n_categories, 3)
        nn.init.zeros_(self.out.weight)  # the first forecast is the seasonal naive one; training can only leave it for something better
        nn.init.zeros_(self.out.bias)

    def forward(self, past: torch.Tensor) -> torch.Tensor:
        """Distances in standard deviations: mean from the seasonal naive forecast, p10 below the mean, p90 above it (both >= 0)."""
        _, (h, _) = self.lstm(past)
        raw = self.out(torch.cat([h[-1], past[:, -WEEK:].flatten(1)], dim=1)).view(-1, *self.shape)
        return torch.cat([raw[..., :1], nn.functional.softplus(raw[..., 1:])], dim=-1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, PyTorch uses one thread: sums in another order give other last bits, and the same seed shall give the same weights."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@dataclass(frozen=True)
class Forecaster:
    """A trained network with the scaling of its training days, and its mean loss by epoch."""

    network: ForecastNetwork
    scaling: Scaling
    settings: ForecastSettings
    losses: tuple[float, ...]

    def forecast(self, grid: DailyGrid, index: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Mean, p10 and p90 in the units of `grid`, float64 (n, H, C, 3), for places `origins` (n,); NaN where even the seasonal naive
        forecast has nothing to say. `index` (T,) is the policy index by day of the grid.
        """
        base = seasonal_naive(grid, origins, self.settings.horizon_days)
        distance = np.empty((*base.shape, 3))
        self.network.eval()
        with torch.no_grad():
            for begin in range(0, len(origins), 4096):  # bounds memory
                part = origins[begin : begin + 4096]
                past = past_features(grid, index, part, self.settings.past_days, self.scaling)
                distance[begin : begin + 4096] = self.network(torch.from_numpy(past)).double().numpy()
        mean = base + distance[..., 0] * self.scaling.std
        p10, p90 = mean - distance[..., 1] * self.scaling.std, mean + distance[..., 2] * self.scaling.std
        return np.stack([mean, p10, p90], axis=-1)


def train_forecaster(
    grid: DailyGrid, index: np.ndarray, settings: ForecastSettings, progress: Callable[[int, float], None] | None = None
) -> Forecaster:
    """A forecaster trained on all days of `grid` but the last `held_out_days` of the calendar, neither as input nor as target.

    `progress` is told epoch and mean loss. The same grid, settings and number of torch threads give the same weights.
    ValueError where no window has a published day to learn from; NonFiniteLossError where the loss is no number.
    """
    cutoff = training_cutoff(grid, settings)
    is_training = grid.day <= cutoff
    scaling = fit_scaling(grid, is_training)
    origins = _training_origins(grid, settings, cutoff)
    rng = np.random.default_rng(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        n_categories = grid.values.shape[1]
        network = ForecastNetwork(2 * n_categories + 4, settings.hidden_size, settings.horizon_days, n_categories)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.epochs)
    losses = []
    for epoch in range(settings.epochs):
        drawn = rng.permutation(origins)[: settings.windows_per_epoch]
        total = 0.0
        for batch, begin in enumerate(range(0, len(drawn), settings.batch_size)):
            part = drawn[begin : begin + settings.batch_size]
            past = past_features(grid, index, part, settings.past_days, scaling)
            ahead = future_values(grid, part, settings.horizon_days) - seasonal_naive(grid, part, settings.horizon_days)
            loss = _loss(network(torch.from_numpy(past)), ahead / scaling.std)
            if not torch.isfinite(loss):
                raise NonFiniteLossError(f"the loss is no number at epoch {epoch}, batch {batch}: lower the learning rate")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
            optimiser.step()
            total += loss.item() * len(part)
        schedule.step()
        losses.append(total / len(drawn))
        if progress is not None:
            progress(epoch, losses[-1])
    return Forecaster(network, scaling, settings, tuple(losses))


def training_cutoff(grid: DailyGrid, settings: ForecastSettings) -> int:
    """The last day of training, days since 1970-01-01: the calendar's last less the held-out days."""
    return int(grid.day.max()) - settings.held_out_days


def held_out_origins(grid: DailyGrid, settings: ForecastSettings) -> np.ndarray:
    """Places of the origins of a rolling evaluation, from the last day of training on, each with its whole horizon inside the grid."""
    cutoff = training_cutoff(grid, settings)
    last = np.repeat(grid.first_day + grid.lengths - 1, grid.lengths)
    is_origin = (grid.day >= cutoff) & ((grid.day - cutoff) % settings.days_between_origins == 0)
    return np.flatnonzero(is_origin & (grid.day + settings.horizon_days <= last))


def _training_origins(grid: DailyGrid, settings: ForecastSettings, cutoff: int) -> np.ndarray:
    """Places whose whole horizon ends on or before `cutoff`, with a value to start from and one to learn from."""
    candidates = np.flatnonzero(grid.day + settings.horizon_days <= cutoff)
    targets = window_places(grid, candidates, 1, settings.horizon_days)
    has_value = np.append(grid.is_observed, False)  # place -1 is no day
    candidates = candidates[has_value[targets].any(axis=1) & has_value[candidates]]
    if not len(candidates):
        raise ValueError(f"no window to learn from: the days before the last {settings.held_out_days} are too few or all missing")
    return candidates


def _loss(said: torch.Tensor, distance: np.ndarray) -> torch.Tensor:
    """Mean loss of what was `said` (n, H, C, 3) against the true `distance` (n, H, C) from the naive forecast, NaN = not known."""
    is_known = torch.from_numpy(~np.isnan(distance))
    target = torch.from_numpy(np.nan_to_num(distance).astype(np.float32))
    mean = said[..., 0]
    errors = (target - mean) ** 2
    for quantile, bound in zip(QUANTILES, (mean - said[..., 1], mean + said[..., 2]), strict=True):
        miss = target - bound
        errors = errors + torch.maximum(quantile * miss, (quantile - 1) * miss)
    # With nothing known in a batch the sum is 0 and so is every gradient.
    return (errors * is_known).sum() / is_known.sum().clamp(min=1)
