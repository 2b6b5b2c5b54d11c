import logging

import pytest

from models.regimes.regimes import RegimeSettings
from tasks.learning.fit_progress import FitProgress, fit_reporter, show_fit, tell_fit


def test_a_listener_hears_every_iteration_and_how_much_of_all_fits_is_done() -> None:
    heard: list[FitProgress] = []
    with tell_fit(heard.append):
        report = fit_reporter(RegimeSettings(most_states=4, n_iter=10))
        report(1, 0, -9.0)
        report(4, 9, -1.0)
    assert [(one.n_states, one.iteration, one.share_done) for one in heard] == [(1, 0, 1 / 40), (4, 9, 1.0)]
    assert str(heard[1]) == "4 states, iteration 9: log-likelihood -1.000"


def test_a_number_of_states_that_is_set_is_all_there_is_to_fit() -> None:
    heard: list[FitProgress] = []
    with tell_fit(heard.append):
        fit_reporter(RegimeSettings(n_states=3, n_iter=10))(3, 4, -2.0)
    assert heard[0].share_done == 0.5


def test_without_a_listener_it_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tasks.learning.fit_progress"):
        fit_reporter(RegimeSettings(n_states=2))(2, 0, -3.0)
    assert caplog.messages == ["2 states, iteration 0: log-likelihood -3.000"]


def test_outside_a_run_nothing_is_shown_and_nothing_fails() -> None:
    with show_fit():
        fit_reporter(RegimeSettings(n_states=2))(2, 0, -3.0)
