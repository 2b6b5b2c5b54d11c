import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.series.feature_encodings import (
    MinMax,
    OneHot,
    Standard,
    from_card,
    plus_minus,
    to_card,
    weekday_cycle,
    with_mask,
)

TRAINING = np.array([[0.0, 5.0, np.nan], [10.0, 5.0, np.nan], [np.nan, 5.0, np.nan]])


def test_min_max_by_hand() -> None:
    fitted = MinMax.fit(TRAINING)
    assert fitted == MinMax((0.0, 5.0, 0.0), (10.0, 5.0, 1.0))
    np.testing.assert_array_equal(
        fitted.encode(np.array([[5.0, 7.0, 0.5], [20.0, 5.0, np.nan]])), [[0.5, 0.0, 0.5], [2.0, 0.0, np.nan]]
    )


def test_standardisation_by_hand() -> None:
    fitted = Standard.fit(TRAINING)
    assert fitted == Standard((5.0, 5.0, 0.0), (5.0, 1.0, 1.0))
    np.testing.assert_array_equal(fitted.encode(np.array([[10.0, 6.0, -2.0]])), [[1.0, 1.0, -2.0]])


def test_a_constant_that_no_float_can_average_exactly_keeps_deviation_one() -> None:
    assert Standard.fit(np.full((3, 1), 0.1)).std == (1.0,)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.sampled_from([MinMax, Standard]))
def test_decoding_gives_the_values_back(values: list[float], kind: type[MinMax | Standard]) -> None:
    column = np.array(values)[:, None]
    fitted = kind.fit(column)
    # Rounding of sums near 1e6.
    np.testing.assert_allclose(fitted.decode(fitted.encode(column)), column, rtol=1e-9, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=3), min_size=1, max_size=8), st.text(max_size=3))
def test_every_known_kind_has_its_own_column_and_an_unknown_one_none(kinds: list[str], other: str) -> None:
    fitted = OneHot.fit(kinds)
    encoded = fitted.encode(kinds)
    assert [fitted.kinds[column] for column in encoded.argmax(axis=1)] == kinds
    np.testing.assert_array_equal(encoded.sum(axis=1), 1.0)
    if other not in kinds:
        assert fitted.numbers([other])[0] == len(fitted.kinds)
        assert not fitted.encode([other]).any()


@pytest.mark.parametrize("fitted", [MinMax.fit(TRAINING), Standard.fit(TRAINING / 3), OneHot.fit(["b", "ä"])])
def test_a_card_gives_the_same_value_back(fitted: MinMax | Standard | OneHot) -> None:
    assert from_card(json.loads(json.dumps(to_card(fitted)))) == fitted


def test_a_card_of_another_encoding_is_refused() -> None:
    with pytest.raises(KeyError):
        from_card({"encoding": "Rank", "low": [1.0]})


def test_weekdays_lie_on_a_circle_of_seven() -> None:
    cycle = weekday_cycle(np.arange(14))
    np.testing.assert_array_equal(cycle[:7], cycle[7:])
    steps = np.linalg.norm(np.diff(cycle[:8], axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-12)


def test_flags_and_masks() -> None:
    np.testing.assert_array_equal(plus_minus(np.array([True, False])), [1.0, -1.0])
    filled, is_there = with_mask(np.array([[1.0, np.nan]]))
    np.testing.assert_array_equal(filled, [[1.0, 0.0]])
    np.testing.assert_array_equal(is_there, [[True, False]])
