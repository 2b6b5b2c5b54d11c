"""Answers to word tests, worked by hand; unknown words named; the parts of a test make the whole."""

import numpy as np
import pytest

from models.embeddings.word_tests import WordTest, answer_test, keep_questions, known_questions

WORDS = ("tide", "sea", "Tram", "rail")
VECTORS = np.array([[1, 0], [1, 0.1], [0, 1], [0.05, 1]], np.float32)
PAIRS = WordTest(
    "set", (("tide", "sea"), ("tide", "rail"), ("tram", "rail"), ("tide", "moon")), np.array([9.0, 1.0, 8.0, 9.0])
)
RIGHT, WRONG = ("tide", "sea", "tram", "rail"), ("rail", "tram", "tram", "tide")


def test_pairs_are_scored_by_rank_and_unknown_words_are_named():
    result = answer_test(WORDS, VECTORS, PAIRS)
    assert (result.metric, result.n_questions, result.n_known, result.unknown_words) == ("spearman", 4, 3, ("moon",))
    assert result.value == pytest.approx(0.5)  # ranks 3 1 2 beside cosines' 2 1 3
    assert (result.chance, result.parts) == (0.0, ())


def test_analogies_are_scored_beside_chance():
    result = answer_test(WORDS, VECTORS, WordTest("set", (RIGHT, ("tide", "sea", "tram", "moon")), None))
    assert (result.metric, result.value, result.n_known, result.chance) == ("analogy_accuracy", 1.0, 1, 1.0)
    assert answer_test(
        [*WORDS, "a", "b"], np.ones((6, 2), np.float32), WordTest("set", (RIGHT,), None)
    ).chance == pytest.approx(1 / 3)


def test_analogies_are_told_by_section_and_the_whole_is_their_mean_by_question():
    test = WordTest(
        "set", (RIGHT, WRONG, ("tide", "sea", "moon", "rail"), RIGHT), None, ("one", "other", "other", "one")
    )
    result = answer_test(WORDS, VECTORS, test)
    assert [(part.section, part.value, part.n_questions, part.n_known) for part in result.parts] == [
        ("one", 1.0, 2, 2),
        ("other", 0.0, 2, 1),
    ]
    assert (result.value, result.n_known) == (pytest.approx(2 / 3), 3)
    assert answer_test(WORDS, VECTORS, WordTest("set", (RIGHT,), None, ("one",))).parts == ()


def test_a_test_of_which_nothing_is_known_has_no_value():
    assert np.isnan(answer_test(WORDS, VECTORS, WordTest("set", (("krill", "moon"),), np.array([1.0]))).value)
    assert np.isnan(
        answer_test(WORDS, VECTORS, WordTest("set", (("krill", "moon", "sea", "tide"),), None, ("one",))).value
    )


def test_questions_are_kept_with_their_ratings():
    is_known = known_questions(WORDS, PAIRS)
    assert is_known.tolist() == [True, True, True, False]
    kept = keep_questions(PAIRS, is_known)
    assert kept.questions == PAIRS.questions[:3]
    assert kept.ratings is not None
    assert kept.ratings.tolist() == [9.0, 1.0, 8.0]
