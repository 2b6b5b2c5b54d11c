import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kernels.alias_table import draw_at, make_alias_table
from models.kernels.random_bits import stream_key


def probabilities(table):
    """What the table draws: each column's own part, and the rest for the other one."""
    n = len(table.own)
    drawn = table.own.astype(float) / n
    np.add.at(drawn, table.other, (1 - table.own.astype(float)) / n)
    return drawn


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: sum(weights) > 1e-6))
def test_table_draws_each_outcome_in_proportion_to_its_weight(weights):
    table = make_alias_table(np.array(weights))
    assert probabilities(table) == pytest.approx(np.array(weights) / sum(weights), abs=1e-6)  # heights are float32


def test_outcome_of_weight_zero_is_never_drawn():
    table = make_alias_table(np.array([0.0, 1.0, 0.0, 3.0]))
    key = stream_key(1)
    drawn = np.bincount([draw_at(key, i, *table) for i in range(4000)], minlength=4)
    assert drawn[0] == drawn[2] == 0
    # 4000 draws of probability 3/4: one standard deviation is 27.
    assert abs(drawn[3] - 3000) < 140


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [float("inf")]])
def test_weights_that_are_no_distribution_are_refused(weights):
    with pytest.raises(ValueError, match="alias table"):
        make_alias_table(np.array(weights))
