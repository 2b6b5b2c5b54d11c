"""An LSTM that forecasts daily series by region: one model over all regions and categories, one to H days ahead at
once.

Weights are dated. They are trained from nothing up to a first day, and from there on carried forward: up to a next day,
and a next, as a model in use would be. Each stage is kept, and a forecast from a past day is made by the newest weights
that end on or before it. So a backtest never looks ahead, today's model is the last link of the very chain that was
tested, and yesterday's model can be tested on today's origins as honestly as today's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from models.forecasts.network import ForecastNetwork, NetworkShape, forecast_loss
from models.forecasts.settings import ForecastSettings
from models.forecasts.windows import Panel, WindowEncoding, future_values, windows
from models.lstm.gradient_flow import GradientFlow, gradient_flow
from models.training.loop import BatchLoss, NonFiniteLossError, Progress, train
from models.training.runtime import seeded, torch_threads
from models.training.settings import TrainingSettings

FEWEST_PAST_DAYS = 7  # our choice: an origin to learn from has a week before it
WARM_UP_SHARE = 0.15  # our choice: Adam's first steps are its worst
WINDOWS_AT_ONCE = 2048  # bounds memory: about 20 kB a window in the head

Batch = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class DatedWeights:
    """Weights of every network, by network and then by name, trained on days up to `last_day` (since 1970-01-01) alone;
    mean loss by epoch, of the first network; which batch of which network ended its training early, in words ("" =
    none).
    """

    last_day: int
    networks: tuple[Mapping[str, torch.Tensor], ...]
    losses: tuple[float, ...]
    stopped: str = ""


@dataclass(frozen=True)
class Forecaster:
    """Weights by date, ascending, with all that was fitted on the days up to the first date."""

    shape: NetworkShape
    encoding: WindowEncoding
    dated: tuple[DatedWeights, ...]

    def forecast(self, panel: Panel, origins: np.ndarray) -> np.ndarray:
        """Mean, p10, p50 and p90 in the units of the grid, float64 (n, H, C, 4), for places `origins` (n,); NaN for a
        category without a value in the window. ValueError for an origin before the first date.
        """
        dates = np.array([weights.last_day for weights in self.dated])
        newest = np.searchsorted(dates, panel.grid.day[origins], side="right") - 1
        if (newest < 0).any():
            raise ValueError("an origin lies before the first day of these weights")
        predicted = np.empty((len(origins), self.shape.horizon, self.shape.n_categories, 4))
        for number in np.unique(newest):
            chosen = np.flatnonzero(newest == number)
            predicted[chosen] = self._mean_over_networks(self.dated[number], panel, origins[chosen])
        return predicted

    def forecast_with_newest(self, panel: Panel, origins: np.ndarray) -> np.ndarray:
        """The same by the newest weights, whatever the days: for regions whose series ended before the others."""
        return self._mean_over_networks(self.dated[-1], panel, origins)

    def _mean_over_networks(self, dated: DatedWeights, panel: Panel, origins: np.ndarray) -> np.ndarray:
        with torch_threads(1):
            return np.asarray(np.mean([self._predicted(weights, panel, origins) for weights in dated.networks], axis=0))

    def gradient_by_lag(self, panel: Panel, n_windows: int) -> GradientFlow:
        """How strongly the last state of the newest weights' first network depends on its states of the days before, by
        lag in days, 0 to W - 1: what it can learn of the past at all. Over `n_windows` windows that it learned from,
        evenly spread.
        """
        newest = self.dated[-1]
        network, places = self._network(newest.networks[0]), training_origins(panel, newest.last_day)
        origins = places[np.linspace(0, len(places) - 1, n_windows).astype(int)]
        seen = windows(panel, origins, self.encoding, self.shape.past_days, self.shape.horizon)
        with torch_threads(1):
            return gradient_flow(network.lstm, torch.from_numpy(seen.past))

    def _network(self, weights: Mapping[str, torch.Tensor]) -> ForecastNetwork:
        network = ForecastNetwork(self.shape)
        network.load_state_dict(dict(weights))
        network.eval()
        return network

    def _predicted(self, weights: Mapping[str, torch.Tensor], panel: Panel, origins: np.ndarray) -> np.ndarray:
        network = self._network(weights)
        parts = [np.empty((0, self.shape.horizon, self.shape.n_categories, 4))]
        with torch.no_grad():
            for begin in range(0, len(origins), WINDOWS_AT_ONCE):
                part = origins[begin : begin + WINDOWS_AT_ONCE]
                seen = windows(panel, part, self.encoding, self.shape.past_days, self.shape.horizon)
                predicted = (
                    network(*(torch.from_numpy(array) for array in (seen.past, seen.ahead, seen.place, seen.region)))
                    .double()
                    .numpy()
                )
                predicted = predicted * seen.spread[:, None, :, None] + seen.level[:, None, :, None]
                parts.append(np.where(seen.is_known[:, None, :, None], predicted, np.nan))
        return np.concatenate(parts)

    def card(self) -> dict[str, Any]:
        """What besides `tensors` is needed to have the forecaster again, JSON's own types."""
        dated = [{"last_day": one.last_day, "losses": list(one.losses), "stopped": one.stopped} for one in self.dated]
        return {
            "shape": vars(self.shape),
            "encoding": self.encoding.card(),
            "dated": dated,
            "n_networks": len(self.dated[0].networks),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights, by date, network and name."""
        return {
            f"{date}.{number}.{name}": tensor.numpy()
            for date, one in enumerate(self.dated)
            for number, weights in enumerate(one.networks)
            for name, tensor in weights.items()
        }

    @classmethod
    def from_card(cls, card: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Self:
        """The forecaster of a card and its tensors. KeyError, TypeError or ValueError for those of another form."""
        dated = []
        for date, one in enumerate(card["dated"]):
            prefixes = [f"{date}.{number}." for number in range(card["n_networks"])]
            networks = tuple(
                {
                    name.removeprefix(prefix): torch.from_numpy(array)
                    for name, array in tensors.items()
                    if name.startswith(prefix)
                }
                for prefix in prefixes
            )
            dated.append(DatedWeights(one["last_day"], networks, tuple(one["losses"]), one["stopped"]))
        return cls(NetworkShape(**card["shape"]), WindowEncoding.from_card(card["encoding"]), tuple(dated))


def train_forecaster(
    panel: Panel, days: Sequence[int], settings: ForecastSettings, report: Callable[[Progress], None] | None = None
) -> Forecaster:
    """A forecaster with weights dated `days` (ascending, at least one), each trained on the days up to its date alone.

    The same panel, days and settings give the same weights. A loss that is no number ends that training; the weights
    before it stay, and are dated all the same. models.training.loop.NonFiniteLossError where there were none yet;
    ValueError where the days up to the first date hold no window to learn from.
    """
    encoding = WindowEncoding.fit(panel, days[0])
    n_categories, n_regions = panel.grid.values.shape[1], len(encoding.regions.kinds)
    days_and_sizes = settings.past_days, settings.horizon_days, settings.hidden_size, settings.head_size
    shape = NetworkShape(n_categories, n_regions, *days_and_sizes, settings.region_size, settings.peepholes)
    batches = [_WindowBatches(panel, encoding, settings, day) for day in days]
    by_network = [
        _train_network(shape, batches, settings, settings.seed + number, report) for number in range(settings.networks)
    ]
    dated = []
    for date, day in enumerate(days):
        stopped = [
            f"network {number}: {network[date][2]}" for number, network in enumerate(by_network) if network[date][2]
        ]
        dated.append(
            DatedWeights(
                day, tuple(network[date][0] for network in by_network), by_network[0][date][1], "; ".join(stopped)
            )
        )
    return Forecaster(shape, encoding, tuple(dated))


def _train_network(
    shape: NetworkShape,
    parts: Sequence[_WindowBatches],
    settings: ForecastSettings,
    seed: int,
    report: Callable[[Progress], None] | None,
) -> list[tuple[dict[str, torch.Tensor], tuple[float, ...], str]]:
    """Weights and mean loss by epoch of one network, after each of `parts`, and what ended its training early."""
    with seeded(seed):
        network = ForecastNetwork(shape, settings.dropout)
    found: list[tuple[dict[str, torch.Tensor], tuple[float, ...], str]] = []
    for number, batches in enumerate(parts):
        how = TrainingSettings(
            epochs=settings.refit_epochs if number else settings.epochs,
            schedule="cosine",
            warm_up_share=WARM_UP_SHARE,
            learning_rate=settings.refit_learning_rate if number else settings.learning_rate,
            weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm,
            seed=seed + number,
            device=settings.device,
        )
        stopped = ""
        try:
            history = train(network, batches, _batch_loss, None, how, report=report)
        except NonFiniteLossError as error:
            if not (found or error.history.epochs):
                raise
            history, stopped = error.history, str(error)
        weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        found.append((weights, tuple(epoch.loss for epoch in history.epochs), stopped))
    return found


def _batch_loss(network: torch.nn.Module, batch: Batch, _state: None) -> BatchLoss:
    past, ahead, place, region, days, truth = batch
    return BatchLoss(*forecast_loss(network(past, ahead, place, region, days), truth))


class _WindowBatches:
    """Windows drawn at random from regions and days up to `last_day`; later targets are unknown. ValueError if none."""

    def __init__(self, panel: Panel, encoding: WindowEncoding, settings: ForecastSettings, last_day: int) -> None:
        self._panel, self._encoding, self._settings, self._last_day = panel, encoding, settings, last_day
        self._origins = training_origins(panel, last_day)
        if not len(self._origins):
            raise ValueError("no window to learn from: the days before the first origin are too few or all missing")
        self._n_windows = min(settings.windows_per_epoch, len(self._origins))
        # The network shall see the index no more often than it will have it: where nobody publishes it any more it
        # learns without.
        today = np.isnan(panel.policy[panel.grid.day == last_day])
        self._without_policy = max(settings.without_policy_share, float(today.mean()) if len(today) else 1.0)

    def __len__(self) -> int:
        return math.ceil(self._n_windows / self._settings.batch_size)

    def draw(self, generator: torch.Generator) -> Iterator[Batch]:
        """An epoch's batches: past, ahead, place, region, days ahead asked for, truth on these (NaN = not known)."""
        settings, n_categories = self._settings, self._panel.grid.values.shape[1]
        drawn = self._origins[torch.randperm(len(self._origins), generator=generator)[: self._n_windows].numpy()]
        chances = torch.rand((2, len(drawn)), generator=generator).numpy()
        for begin in range(0, len(drawn), settings.batch_size):
            part = slice(begin, begin + settings.batch_size)
            origins = drawn[part]
            seen = windows(self._panel, origins, self._encoding, settings.past_days, settings.horizon_days)
            seen.past[chances[0, part] < self._without_policy, :, 2 * n_categories + 3 :] = 0.0
            region = np.where(chances[1, part] < settings.unknown_share, len(self._encoding.regions.kinds), seen.region)
            # What one day ahead teaches, its neighbours teach as well: a part of them is enough for a step.
            days = (
                torch.randperm(settings.horizon_days, generator=generator)[: settings.days_ahead_per_batch]
                .sort()
                .values
            )
            truth = (self._truth(origins) - seen.level[:, None]) / seen.spread[:, None]
            arrays = (
                seen.past,
                seen.ahead[:, days],
                seen.place,
                region,
                days.numpy(),
                truth[:, days].astype(np.float32),
            )
            yield tuple(torch.from_numpy(array) for array in arrays)

    def _truth(self, origins: np.ndarray) -> np.ndarray:
        truth = future_values(self._panel.grid, origins, self._settings.horizon_days)
        days = self._panel.grid.day[origins][:, None] + np.arange(1, self._settings.horizon_days + 1)
        truth[days > self._last_day] = np.nan
        return truth


def training_origins(panel: Panel, last_day: int) -> np.ndarray:
    """Places before `last_day` with an observation on the day, one on a day up to `last_day` to learn from, and a week
    of the region's days before them.
    """
    grid = panel.grid
    last_observed = np.full(len(grid.lengths), -1)
    np.maximum.at(last_observed, grid.region, np.where(grid.is_observed & (grid.day <= last_day), grid.day, -1))
    has_past = grid.day >= (grid.first_day + FEWEST_PAST_DAYS)[grid.region]
    return np.flatnonzero(grid.is_observed & has_past & (grid.day < last_observed[grid.region]))
