import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.forecast_panels import panel_of, ramp, weekly_panel

from models.forecasts.backtest import backtest_days, refit_days, run_backtest, score_backtest
from models.forecasts.forecaster import Forecaster, train_forecaster, training_origins
from models.forecasts.settings import ForecastSettings
from models.training.loop import NonFiniteLossError

SETTINGS = ForecastSettings(
    horizon_days=7,
    past_days=21,
    min_days=30,
    origins=4,
    calibration_origins=2,
    origins_between_refits=3,
    training_days=40,
    hidden_size=8,
    head_size=8,
    region_size=2,
    epochs=1,
    windows_per_epoch=128,
    batch_size=32,
    learning_rate=1e-2,
    smoothed_series=2,
    device="cpu",
)


def weights_of(forecaster: Forecaster) -> dict[str, np.ndarray]:
    return {name: tensor.copy() for name, tensor in forecaster.tensors().items()}


@pytest.mark.slow
def test_what_can_be_learned_is_learned_and_beats_the_naive_forecast() -> None:
    panel = weekly_panel(n_regions=8)
    settings = replace(SETTINGS, epochs=8, windows_per_epoch=1024)
    days = backtest_days(panel.grid, settings)
    forecaster = train_forecaster(panel, days[:1], settings)
    assert forecaster.dated[0].losses[-1] < forecaster.dated[0].losses[0]
    scores = score_backtest(run_backtest(forecaster, panel, days, settings), panel, settings)
    assert np.all(scores.skill > 0.15)  # the noise of two draws against that of one: at best 1 - 1 / sqrt 2 = 0.29
    assert 0.7 < scores.intervals.coverage.mean() < 0.9


def test_no_weights_know_a_day_after_their_date() -> None:
    panel, changed = weekly_panel(150), weekly_panel(150)
    dates = refit_days(backtest_days(panel.grid, SETTINGS), int(panel.grid.day.max()), SETTINGS)
    assert len(dates) == 3
    changed.grid.values[changed.grid.day > dates[1]] = 1e6
    changed.policy[changed.grid.day > dates[1]] = 50.0
    first, second = (weights_of(train_forecaster(one, dates, SETTINGS)) for one in (panel, changed))
    is_same = {name: np.array_equal(array, second[name]) for name, array in first.items()}
    assert all(same for name, same in is_same.items() if not name.startswith("2."))
    assert not is_same["2.0.out.weight"]


def test_an_origin_is_forecast_by_the_newest_weights_that_end_before_it() -> None:
    panel = weekly_panel(120, n_regions=1)
    days = [int(panel.grid.day[80]), int(panel.grid.day[100])]
    forecaster = train_forecaster(panel, days, SETTINGS)
    alone = [replace(forecaster, dated=(dated,)) for dated in forecaster.dated]
    for place, used in ((99, alone[0]), (100, alone[1])):
        origin = np.array([place])
        np.testing.assert_array_equal(forecaster.forecast(panel, origin), used.forecast(panel, origin))
    assert not np.array_equal(alone[0].forecast(panel, np.array([100])), alone[1].forecast(panel, np.array([100])))
    with pytest.raises(ValueError, match="before the first day"):
        forecaster.forecast(panel, np.array([79]))
    newest = forecaster.forecast_with_newest(panel, np.array([79, 100]))
    # Products of two rows may add in another order than those of one: float32.
    np.testing.assert_allclose(newest[1:], forecaster.forecast(panel, np.array([100])), rtol=1e-4)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone() -> None:
    panel = weekly_panel(120)
    days = [int(panel.grid.day[100])]
    torch.manual_seed(99)
    expected = torch.rand(1)
    torch.manual_seed(99)
    settings = replace(SETTINGS, networks=2)
    first = weights_of(train_forecaster(panel, days, settings))
    assert torch.equal(torch.rand(1), expected)
    second = weights_of(train_forecaster(panel, days, settings))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["0.0.out.weight"], first["0.1.out.weight"])


def test_card_and_tensors_give_the_forecaster_back() -> None:
    panel = weekly_panel(100)
    forecaster = train_forecaster(
        panel, [int(panel.grid.day[80]), int(panel.grid.day[99])], replace(SETTINGS, networks=2)
    )
    again = Forecaster.from_card(json.loads(json.dumps(forecaster.card())), forecaster.tensors())
    origins = np.array([85, 99, 199])
    np.testing.assert_array_equal(again.forecast(panel, origins), forecaster.forecast(panel, origins))
    with pytest.raises(KeyError):
        Forecaster.from_card({"losses": []}, forecaster.tensors())


def test_a_loss_that_is_no_number_leaves_the_weights_before_it() -> None:
    panel = weekly_panel(120)
    days = [int(panel.grid.day[80]), int(panel.grid.day[100])]
    forecaster = train_forecaster(panel, days, replace(SETTINGS, refit_learning_rate=1e38, clip_norm=0.0))
    first, second = forecaster.dated
    assert (first.stopped, "network 0: the loss is no number at epoch 0, batch " in second.stopped) == ("", True)
    assert all(torch.equal(weights, second.networks[0][name]) for name, weights in first.networks[0].items())
    assert forecaster.card()["dated"][1]["stopped"] == second.stopped
    with pytest.raises(NonFiniteLossError, match="epoch 0, batch"):
        train_forecaster(panel, days, replace(SETTINGS, learning_rate=1e38, clip_norm=0.0))


def test_training_origins_have_a_past_and_something_to_come() -> None:
    panel = panel_of(ramp(20, 12))
    panel.grid.values[17:20] = np.nan
    last_day = int(panel.grid.day[18])
    np.testing.assert_array_equal(training_origins(panel, last_day), [*range(7, 16), *range(27, 31)])


@pytest.mark.parametrize("n_days", [5, 8])
def test_days_without_a_window_to_learn_from_are_refused(n_days: int) -> None:
    panel = panel_of(ramp(n_days))
    with pytest.raises(ValueError, match="no window to learn from"):
        train_forecaster(panel, [int(panel.grid.day.max())], SETTINGS)


def test_constant_series_missing_days_and_missing_series_stay_finite() -> None:
    panel = weekly_panel(120, n_regions=3)
    panel.grid.values[:] = 5.0
    panel.grid.values[::3] = np.nan
    panel.grid.values[120:240] = np.nan
    forecaster = train_forecaster(panel, [int(panel.grid.day[100])], SETTINGS)
    predicted = forecaster.forecast(panel, np.array([100, 119, 230, 359]))
    assert np.isnan(predicted[2]).all()
    assert np.isfinite(predicted[[0, 1, 3]]).all()
    assert np.all(np.diff(predicted[[0, 1, 3]][..., 1:], axis=-1) >= 0)
