from dataclasses import replace

import numpy as np
import pytest
import torch

from models.daily_grid import DailyGrid, daily_grid
from models.forecast_settings import ForecastSettings
from models.forecast_windows import future_values, seasonal_naive
from models.lstm_forecaster import ForecastNetwork, held_out_origins, one_thread, train_forecaster, training_cutoff

SETTINGS = ForecastSettings(
    horizon_days=7, past_days=21, held_out_days=28, hidden_size=16, epochs=15, windows_per_epoch=512, batch_size=64, learning_rate=1e-2
)


def pulled_back_series(n_days: int = 260, n_regions: int = 2, seed: int = 4) -> DailyGrid:
    """Regions pulled back to a level that depends on the weekday: naive repeats the last week's noise, a learner need not."""
    rng = np.random.default_rng(seed)
    day = np.tile(np.arange(18_310, 18_310 + n_days), n_regions)
    region = np.repeat(np.arange(n_regions), n_days)
    value = 20.0 * (day % 7 == 2) + rng.normal(0, 5, len(day))
    return daily_grid(region, day, np.zeros(len(day), np.int64), value, 1)


@pytest.fixture(scope="module", autouse=True)
def _on_one_thread():
    with one_thread():
        yield


@pytest.mark.slow
def test_what_can_be_learned_is_learned_and_beats_the_naive_forecast() -> None:
    grid = pulled_back_series(n_regions=8)
    index = np.full(len(grid.day), np.nan)
    forecaster = train_forecaster(grid, index, replace(SETTINGS, windows_per_epoch=2048))
    assert forecaster.losses[-1] < forecaster.losses[0]
    origins = held_out_origins(grid, SETTINGS)
    truth = future_values(grid, origins, 7)
    said = forecaster.forecast(grid, index, origins)
    ours, naive = np.abs(said[..., 0] - truth).mean(), np.abs(seasonal_naive(grid, origins, 7) - truth).mean()
    assert ours < 0.85 * naive  # the noise of two draws against one: at best 1 / sqrt 2
    assert np.all(said[..., 1] <= said[..., 0])
    assert np.all(said[..., 0] <= said[..., 2])


def test_the_held_out_days_play_no_part_in_training() -> None:
    grid, changed = pulled_back_series(150), pulled_back_series(150)
    settings = replace(SETTINGS, epochs=2)
    changed.values[changed.day > training_cutoff(changed, settings)] = 1e6
    index = np.full(len(grid.day), np.nan)
    first, second = (train_forecaster(g, index, settings).network.state_dict() for g in (grid, changed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone() -> None:
    grid = pulled_back_series(120)
    index = np.full(len(grid.day), np.nan)
    torch.manual_seed(99)
    expected = torch.rand(1)
    torch.manual_seed(99)
    first = train_forecaster(grid, index, replace(SETTINGS, epochs=1)).network.state_dict()
    assert torch.equal(torch.rand(1), expected)
    second = train_forecaster(grid, index, replace(SETTINGS, epochs=1)).network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_untrained_network_says_what_the_naive_forecast_says() -> None:
    assert torch.equal(ForecastNetwork(6, 4, 7, 1)(torch.ones(2, 8, 6))[..., 0], torch.zeros(2, 7, 1))


def test_origins_leave_room_for_the_whole_horizon() -> None:
    grid = pulled_back_series(60)
    days = grid.day[held_out_origins(grid, SETTINGS)] - 18_310
    assert sorted(set(days.tolist())) == [31, 38, 45, 52]


@pytest.mark.parametrize("n_days", [20, 34])
def test_a_series_too_short_to_learn_from_is_refused(n_days: int) -> None:
    grid = pulled_back_series(n_days)
    with pytest.raises(ValueError, match="no window to learn from"):
        train_forecaster(grid, np.full(len(grid.day), np.nan), SETTINGS)


def test_constant_series_and_missing_days_stay_finite() -> None:
    grid = pulled_back_series(120)
    grid.values[:] = 5.0
    grid.values[::3] = np.nan
    index = np.full(len(grid.day), np.nan)
    said = train_forecaster(grid, index, replace(SETTINGS, epochs=1)).forecast(grid, index, held_out_origins(grid, SETTINGS))
    assert np.isfinite(said).all()
