import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.text.tokens import cut_tokens
from tasks.transforms.text.word_forms import index_forms


def test_forms_are_numbered_in_order_of_first_sight_and_by_group():
    tokens = cut_tokens(pa.array(["b a b", "a b"]))
    form, first = index_forms(tokens, np.array([0, 1], np.int32))
    assert form.tolist() == [0, 1, 0, 2, 3]
    assert first.tolist() == [0, 1, 3, 4]


def test_a_table_that_grows_keeps_its_numbers():
    words = [f"w{number}" for number in range(200_000)]
    tokens = cut_tokens(pa.array([" ".join(words + words)]))
    form, first = index_forms(tokens, np.zeros(1, np.int32))
    assert np.array_equal(form, np.tile(np.arange(200_000), 2))
    assert np.array_equal(first, np.arange(200_000))


@settings(max_examples=200, deadline=None)  # the first call compiles
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(["a", "ab", "ä", "b", "家"]), max_size=6), st.integers(0, 1)), max_size=5
    )
)
def test_numbers_are_those_of_a_dictionary(texts):
    tokens = cut_tokens(pa.array([" ".join(words) for words, _ in texts], pa.string()))
    form, first = index_forms(tokens, np.array([group for _, group in texts], np.int32))
    numbers: dict[tuple[int, str], int] = {}
    expected = [numbers.setdefault((group, word), len(numbers)) for words, group in texts for word in words]
    assert form.tolist() == expected
    assert [expected.index(number) for number in range(len(numbers))] == first.tolist()
