from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forecast_panels import flat_panel, panel_of, ramp

from models.forecasts.windows import (
    Panel,
    WindowEncoding,
    Windows,
    future_values,
    values_before,
    window_places,
    windows,
)
from models.series.feature_encodings import MinMax, Standard


def all_of(seen: Windows) -> list[np.ndarray]:
    return [seen.past, seen.ahead, seen.place, seen.region, seen.level, seen.spread, seen.is_known]


def test_windows_stop_at_the_region_border() -> None:
    grid = ramp(3, 4)
    np.testing.assert_array_equal(window_places(grid, np.array([3]), -1, 1), [[-1, 3, 4]])
    np.testing.assert_array_equal(window_places(grid, np.array([2]), 0, 1), [[2, -1]])


def test_future_is_what_came_to_pass() -> None:
    np.testing.assert_array_equal(future_values(ramp(5), np.array([2]), 3)[0, :, 0], [3.0, 4.0, np.nan])
    np.testing.assert_array_equal(values_before(ramp(5), np.array([1]), 3)[0, :, 0], [np.nan, 0.0, 1.0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 59), st.floats(-1e6, 1e6) | st.just(np.nan))
def test_changing_the_future_changes_no_feature_of_the_past(origin: int, value: float) -> None:
    panel = flat_panel(ramp(60, 60), seed=origin)
    changed = replace(panel, grid=replace(panel.grid, values=panel.grid.values.copy()), policy=panel.policy.copy())
    is_future = np.arange(120) % 60 > origin
    changed.grid.values[is_future] = value
    changed.policy[is_future] = 99.0
    last_day = int(panel.grid.day[origin])
    before, after = (windows(p, np.array([origin]), WindowEncoding.fit(p, last_day), 14, 5) for p in (panel, changed))
    for left, right in zip(all_of(before), all_of(after), strict=True):
        np.testing.assert_array_equal(left, right)
    assert before.past.dtype == np.float32


def test_features_by_hand() -> None:
    grid = ramp(14)
    grid.values[12] = np.nan
    panel = panel_of(
        grid, policy=np.append(np.full(13, 20.0), 30.0), holidays=[int(grid.day[13]), int(grid.day[13]) + 2]
    )
    encoding = WindowEncoding(
        Standard((5.0,), (2.0,)), (7.0,), MinMax((0.0,), (100.0,)), WindowEncoding.fit(panel, 10**6).regions
    )
    seen = windows(panel, np.array([13]), encoding, 14, 3)
    level = (sum(range(14)) - 12) / 13
    assert seen.level[0, 0] == pytest.approx(level)
    assert seen.spread[0, 0] == pytest.approx(7.0)  # every known difference to the week before is 7
    np.testing.assert_allclose(
        seen.past[0, :, 0], np.where(np.arange(14) == 12, 0.0, (np.arange(14) - level) / 7), rtol=1e-5
    )
    np.testing.assert_array_equal(seen.past[0, :, 1], np.arange(14) != 12)
    np.testing.assert_array_equal(seen.past[0, :, 4], [-1.0] * 13 + [1.0])
    np.testing.assert_allclose(seen.past[0, :, 5], [-0.1] * 13 + [0.0], rtol=1e-6)
    np.testing.assert_array_equal(seen.past[0, :, 6], 1.0)
    np.testing.assert_array_equal(seen.ahead[0, :, :7].argmax(axis=1), (grid.day[13] + np.arange(1, 4)) % 7)
    np.testing.assert_array_equal(seen.ahead[0, :, 7:], [[1, -1, 1], [-1, 1, -1], [1, -1, -1]])
    drift = ((sum(range(7, 14)) - 12) / 6 - level) / 7
    np.testing.assert_allclose(seen.place[0, 0], [(level - 5) / 2, 0.0, drift, 1.0, 1.0], rtol=1e-5, atol=1e-7)
    assert (seen.region[0], seen.is_known[0, 0]) == (0, True)


def test_an_index_that_is_not_published_on_the_origin_says_nothing() -> None:
    panel = panel_of(ramp(14), policy=np.append(np.full(13, 20.0), np.nan))
    seen = windows(panel, np.array([13]), WindowEncoding.fit(panel, 10**6), 14, 3)
    np.testing.assert_array_equal(seen.past[0, :, 5:7], 0.0)


def test_a_series_without_values_is_finite_and_known_as_unknown() -> None:
    panel = panel_of(ramp(30, 30))
    panel.grid.values[:30] = np.nan
    seen = windows(panel, np.array([29, 59]), WindowEncoding.fit(panel, 10**6), 14, 3)
    assert all(np.isfinite(part).all() for part in all_of(seen))
    np.testing.assert_array_equal(seen.is_known[:, 0], [False, True])


def test_a_series_shorter_than_the_window_is_masked_before_its_first_day() -> None:
    panel = panel_of(ramp(5, 40), policy=np.full(45, 50.0))
    seen = windows(panel, np.array([4]), WindowEncoding.fit(panel, 10**6), 14, 3)
    np.testing.assert_array_equal(seen.past[0, :, 1], [0.0] * 9 + [1.0] * 5)
    np.testing.assert_array_equal(seen.past[0, :9, [0, 5, 6]], 0.0)
    assert (seen.level[0, 0], np.isfinite(seen.past).all()) == (2.0, True)


def test_regions_that_training_did_not_know_share_the_last_number() -> None:
    panel = panel_of(ramp(30, 10))
    panel.grid.day[30:] += 100
    encoding = WindowEncoding.fit(panel, int(panel.grid.day[29]))
    assert encoding.regions.kinds == ("XX/0",)
    np.testing.assert_array_equal(windows(panel, np.array([29, 39]), encoding, 14, 3).region, [0, 1])


def test_the_card_gives_the_encoding_back() -> None:
    panel: Panel = flat_panel(ramp(30, 20), seed=1)
    encoding = WindowEncoding.fit(panel, int(panel.grid.day[25]))
    assert WindowEncoding.from_card(encoding.card()) == encoding
    card = encoding.card()
    with pytest.raises(KeyError):
        WindowEncoding.from_card({**card, "policy": card["level"]})
