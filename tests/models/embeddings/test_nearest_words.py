import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.embeddings.nearest_words import FIRST_ROWS, QUERIES_AT_ONCE, nearest_rows, unit_rows


def by_full_sort(units, queries, k, left_out):
    """Neighbours from all products in float64, sorted whole."""
    rows, products = [], []
    for query, others in zip(queries.astype(float), left_out, strict=True):
        product = np.array([float(query @ row) for row in units.astype(float)])
        product[others] = -np.inf
        best = sorted(range(len(units)), key=lambda row: (-product[row], row))[:k]
        rows.append(best)
        products.append(product[best])
    return np.array(rows), np.array(products)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([1, 2, 30, FIRST_ROWS, FIRST_ROWS + 700]), st.integers(1, 40), st.booleans()
)
@example(5, FIRST_ROWS + 700, FIRST_ROWS + 40, True)
def test_neighbours_are_those_of_a_full_sort_and_equal_ones_go_by_row(seed, n, k, is_coarse):
    draws = np.random.default_rng(seed)
    units = unit_rows(draws.normal(size=(n, 3)))
    if is_coarse:  # equal over and over, and exact in both precisions
        units = draws.integers(-1, 2, (n, 3)).astype(np.float32) / 2
    asked = draws.integers(n, size=4)
    left_out = np.stack([asked, draws.integers(n, size=4)], axis=1)
    queries = units[asked] + units[asked[::-1]]
    rows, products = nearest_rows(units, queries, k, left_out=left_out)
    expected_rows, expected = by_full_sort(units, queries, k, left_out)
    assert rows.tolist() == expected_rows.tolist()
    assert products == pytest.approx(expected, abs=1e-14)  # float64 over three products


def test_the_same_vector_in_many_places_is_found_in_the_order_of_rows():
    draws = np.random.default_rng(1)
    units = unit_rows(draws.normal(size=(5 * FIRST_ROWS, 100)).astype(np.float32))
    places = [17, FIRST_ROWS - 1, FIRST_ROWS, 2 * FIRST_ROWS + 5, 5 * FIRST_ROWS - 1]
    units[places] = units[3]
    for m in (1, 7, QUERIES_AT_ONCE + 1):  # libraries add up otherwise for one query and for many
        rows, products = nearest_rows(units, np.repeat(units[3:4], m, axis=0), 6)
        assert rows.tolist() == [[3, *places]] * m
        assert np.ptp(products) == 0


def test_neighbours_do_not_depend_on_who_else_is_asked_about():
    units = unit_rows(np.random.default_rng(2).normal(size=(3000, 20)).astype(np.float32))
    rows, products = nearest_rows(units, units[:300], 5)
    for asked in (0, 255, 256, 299):
        alone = nearest_rows(units, units[asked : asked + 1], 5)
        assert (rows[asked].tolist(), products[asked].tolist()) == (alone[0][0].tolist(), alone[1][0].tolist())


def test_all_vectors_equal_are_answered_by_row():
    units = np.zeros((3 * FIRST_ROWS, 4), np.float32)
    assert nearest_rows(units, units[:2], 3)[0].tolist() == [[0, 1, 2], [0, 1, 2]]


def test_more_neighbours_than_words_are_all_words_and_those_left_out_come_last():
    units = unit_rows(np.array([[1, 0], [0, 2], [3, 3]], np.float32))
    rows, products = nearest_rows(units, units[:1], 50, left_out=np.array([[0, 2]]))
    assert rows.tolist() == [[1, 0, 2]]
    assert products.tolist() == [[0, -np.inf, -np.inf]]


def test_no_query_has_no_answer():
    assert nearest_rows(np.eye(3, dtype=np.float32), np.zeros((0, 3), np.float32), 2)[0].shape == (0, 2)


def test_neighbours_are_gensims():
    models = pytest.importorskip("gensim.models", reason="gensim is a development tool, and is not installed")
    vectors = np.random.default_rng(3).normal(size=(4000, 30)).astype(np.float32)
    words = [str(row) for row in range(len(vectors))]
    keyed = models.KeyedVectors(vector_size=30)
    keyed.add_vectors(words, vectors)
    units = unit_rows(vectors)
    a, b, c = units[5], units[77], units[1234]
    rows, products = nearest_rows(units, (b - a + c)[None], 10, left_out=np.array([[5, 77, 1234]]))
    found = keyed.most_similar(positive=["77", "1234"], negative=["5"], topn=10)
    assert [words[row] for row in rows[0]] == [word for word, _ in found]
    # float32.
    assert products[0] / np.linalg.norm(b - a + c) == pytest.approx([cosine for _, cosine in found], abs=1e-5)
