import numpy as np
import pytest

from models.embeddings.word_map import FEWEST_WORDS, map_words

pytestmark = pytest.mark.slow  # scikit-learn is imported


def clusters(n, seed=0):
    draws = np.random.default_rng(seed)
    of = np.arange(n) % 4
    return (draws.normal(size=(4, 50))[of] + draws.normal(0, 0.4, (n, 50))).astype(np.float32), of


def test_words_of_one_cluster_lie_together():
    vectors, of = clusters(120)
    places = map_words(vectors)
    assert np.abs(places).max() == 1
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (of[distance.argmin(axis=1)] == of).all()


def test_the_same_vectors_give_the_same_bytes_and_length_means_nothing():
    vectors, _ = clusters(60)
    assert map_words(vectors).tobytes() == map_words(vectors.copy()).tobytes()
    assert map_words(vectors * 4).tobytes() == map_words(vectors).tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 3, FEWEST_WORDS - 1, FEWEST_WORDS, FEWEST_WORDS + 1])
@pytest.mark.parametrize("size", [1, 2, 50])
def test_few_words_and_few_dimensions_have_places(n, size):
    places = map_words(clusters(n)[0][:, :size])
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()


def test_rows_that_are_not_finite_get_no_place_and_change_no_other():
    vectors, _ = clusters(40)
    with_holes = np.insert(vectors, [0, 20], [[np.nan], [np.inf]], axis=0)
    places = map_words(with_holes)
    assert np.flatnonzero(np.isnan(places).any(axis=1)).tolist() == [0, 21]
    assert np.delete(places, [0, 21], axis=0).tobytes() == map_words(vectors).tobytes()


def test_equal_words_are_well():
    assert (map_words(np.ones((50, 8), np.float32)) == 0).all()
    assert (map_words(np.zeros((50, 8), np.float32)) == 0).all()
    vectors, _ = clusters(40)
    places = map_words(np.concatenate([vectors, vectors]))
    assert np.isfinite(places).all()
    assert np.linalg.norm(places[:40] - places[40:], axis=1).max() < 0.2
