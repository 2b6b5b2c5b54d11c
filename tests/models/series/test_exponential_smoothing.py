import numpy as np
import pytest

from models.series.exponential_smoothing import smoothed_forecast


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_weekly_pattern_goes_on() -> None:
    series = 10.0 * (np.arange(56) % 7 == 0) + np.random.default_rng(1).normal(0, 0.1, 56)
    # Five times the noise.
    np.testing.assert_allclose(smoothed_forecast(series, 8), [10, 0, 0, 0, 0, 0, 0, 10], atol=0.5)


def test_a_gap_is_filled_from_the_week_before_and_a_constant_stays() -> None:
    series = np.full(56, 3.0)
    series[20:25] = np.nan
    np.testing.assert_array_equal(smoothed_forecast(series, 3), 3.0)


@pytest.mark.parametrize(
    "series", [np.full(56, np.nan), np.arange(27.0), np.append(np.arange(35.0), np.full(21, np.nan))[::-1]]
)
def test_too_little_says_nothing(series: np.ndarray) -> None:
    assert np.isnan(smoothed_forecast(series, 3)).all() == (np.isfinite(series).sum() < 28)
