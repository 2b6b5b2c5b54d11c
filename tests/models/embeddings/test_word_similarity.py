import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from models.embeddings.word_similarity import WordPairs, score_analogies, score_pairs, spearman

WORDS = ["king", "man", "woman", "queen", "boat"]
VECTORS = np.array([[1, 0, 1], [0, 0, 1], [0, 1, 1], [1, 1, 1], [-1, -1, 0.5]], np.float32)


def test_pairs_with_an_unknown_word_are_counted_and_the_word_is_named():
    test = WordPairs(
        (("king", "queen"), ("king", "boat"), ("king", "tsar"), ("queen", "tsar"), ("man", "king")),
        np.array([9.0, 1, 8, 8, 5]),
    )
    score = score_pairs(VECTORS, WORDS, test)
    assert (score.n_pairs, score.n_known, score.unknown_words) == (5, 3, ("tsar",))
    assert score.spearman == pytest.approx(1)  # cosines .82, -.24, .71 against 9, 1, 5


def test_set_of_which_no_word_is_known_has_no_score_and_names_its_words():
    score = score_pairs(VECTORS, WORDS, WordPairs((("sun", "moon"), ("sun", "sea")), np.array([1.0, 2.0])))
    assert np.isnan(score.spearman)
    assert (score.n_pairs, score.n_known, score.unknown_words) == (2, 0, ("moon", "sea", "sun"))
    answered = score_analogies(VECTORS, WORDS, [("sun", "day", "moon", "night")])
    assert np.isnan(answered.accuracy)
    assert (answered.n_questions, answered.n_known) == (1, 0)


@pytest.mark.parametrize("pairs", [(("x", "y"),), (("king", "man"),), (("king", "man"), ("king", "man"))])
def test_agreement_of_too_few_pairs_is_not_a_number(pairs):
    assert np.isnan(score_pairs(VECTORS, WORDS, WordPairs(pairs, np.arange(len(pairs), dtype=float))).spearman)


def test_analogy_is_answered_and_its_own_words_are_no_answer():
    questions = [("man", "king", "woman", "queen"), ("man", "king", "woman", "boat"), ("man", "king", "tsar", "queen")]
    score = score_analogies(VECTORS, WORDS, questions)
    assert (score.accuracy, score.n_questions, score.n_known) == (0.5, 3, 2)
    assert np.isnan(score_analogies(VECTORS, WORDS, [("a", "b", "c", "d")]).accuracy)


numbers = st.integers(-3, 3).map(float)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30))
def test_rank_correlation_is_scipys_where_it_is_defined(points):
    a, b = np.array(points).T
    ours = spearman(a, b)
    if np.ptp(a) and np.ptp(b):
        assert ours == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    else:
        assert np.isnan(ours)
