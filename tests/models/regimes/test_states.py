import numpy as np
import pytest

from models.regimes.states import change_points, mean_duration, restriction_level, state_names


def test_staying_home_counts_as_restriction() -> None:
    means = np.array([[-2.0, 1.0], [-60.0, 20.0]])
    np.testing.assert_allclose(restriction_level(means, ("workplaces", "residential")), [1.5, 40.0])


@pytest.mark.parametrize(
    ("n_states", "names"),
    [
        (1, ("baseline",)),
        (2, ("baseline", "lockdown")),
        (3, ("baseline", "restricted", "lockdown")),
        (6, ("baseline", "restricted_1", "restricted_2", "restricted_3", "restricted_4", "lockdown")),
    ],
)
def test_names_run_from_baseline_to_lockdown(n_states: int, names: tuple[str, ...]) -> None:
    assert state_names(n_states) == names


def test_a_spell_ends_with_its_region() -> None:
    assert mean_duration(np.array([0, 0, 1, 1]), np.array([4])) == 2.0
    assert mean_duration(np.array([0, 0, 0, 0]), np.array([2, 2])) == 2.0


def test_changes_lie_within_regions() -> None:
    assert change_points(np.array([0, 0, 1, 0, 0, 2]), np.array([3, 3])).tolist() == [2, 5]
