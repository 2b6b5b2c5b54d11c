from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hmm.parts import NUMBERS, Part, of_parts, parts_of, total


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=60))
def test_parts_follow_each_other_and_leave_nothing_out(lengths: list[int]) -> None:
    parts, ends = parts_of(np.array(lengths), 8), np.cumsum([0, *lengths])
    assert [parts[0].sequences.start, parts[-1].sequences.stop] == [0, len(lengths)]
    assert all(before.sequences.stop == after.sequences.start for before, after in pairwise(parts))
    for part in parts:
        assert (part.steps.start, part.steps.stop) == (ends[part.sequences.start], ends[part.sequences.stop])
    for part in parts[:-1]:
        assert part.steps.stop - part.steps.start >= NUMBERS // 8
        assert (part.sequences.stop - part.sequences.start) % 8 == 0


@pytest.mark.parametrize("n_threads", [1, 3])
def test_what_is_found_comes_in_the_order_of_the_parts(n_threads: int) -> None:
    parts = parts_of(np.full(64, NUMBERS), 1)
    found = of_parts(lambda part: part.sequences.start, parts, n_threads)
    assert found == [*range(0, 64, 8)]
    assert total(found) == sum(found)
    assert parts[1] == Part(slice(8, 16), slice(8 * NUMBERS, 16 * NUMBERS))


def test_a_part_has_the_least_number_of_steps_that_is_asked_for() -> None:
    assert len(parts_of(np.full(80, NUMBERS), 1, least=16 * NUMBERS)) == 5
