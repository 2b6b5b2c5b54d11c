"""Tests of word vectors: questions with what people answer, and how well vectors answer them.

    test      pairs of words with ratings, (n,) float64 on any scale that rises; or analogies, four words a question
    known     a question of which every word has a vector; the others are counted and left out
    section   a part of a test, as its file names it

Words are in lower case and in the form that the vectors are of, as in `models.embeddings.word_similarity`, whose
conventions hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.embeddings.word_similarity import WordPairs, score_analogies, score_pairs

SPEARMAN, ACCURACY = "spearman", "analogy_accuracy"
WORDS_ASKED = 3  # of an analogy; they are no answer


@dataclass(frozen=True)
class WordTest:
    """A test under its name; `ratings` are None for analogies, `sections` (of each question) may be left out."""

    name: str
    questions: tuple[tuple[str, ...], ...]
    ratings: np.ndarray | None
    sections: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class TestResult:
    """How a test, or a section of it, went; `value` is NaN where nothing could be measured, `chance` what guessing
    would give.

    unknown_words: of the whole test, sorted. parts: by section, in the order of the test; none where there is but one.
    """

    __test__ = False  # no test of pytest's

    name: str
    metric: str
    value: float
    chance: float
    n_questions: int
    n_known: int
    unknown_words: tuple[str, ...]
    section: str | None = None
    parts: tuple[TestResult, ...] = ()


def answer_test(words: Sequence[str], vectors: np.ndarray, test: WordTest) -> TestResult:
    """How well `vectors`, (n_words, D), answer the test: rank correlation with ratings, or share of right analogies."""
    has_vector = {word.lower() for word in words}
    unknown = tuple(sorted({word for question in test.questions for word in question} - has_vector))
    if test.ratings is not None:
        pairs = score_pairs(vectors, words, WordPairs(tuple((a, b) for a, b in test.questions), test.ratings))
        return TestResult(test.name, SPEARMAN, pairs.spearman, 0.0, pairs.n_pairs, pairs.n_known, unknown)
    by_section: dict[str | None, list[tuple[str, str, str, str]]] = {}
    for section, (a, b, c, d) in zip(test.sections or (None,) * len(test.questions), test.questions, strict=True):
        by_section.setdefault(section, []).append((a, b, c, d))
    chance = 1 / max(len(words) - WORDS_ASKED, 1)
    parts = []
    for section, questions in by_section.items():
        answers = score_analogies(vectors, words, questions)
        parts.append(
            TestResult(test.name, ACCURACY, answers.accuracy, chance, answers.n_questions, answers.n_known, (), section)
        )
    n_known = sum(part.n_known for part in parts)
    accuracy = sum(part.value * part.n_known for part in parts if part.n_known) / n_known if n_known else float("nan")
    whole = TestResult(test.name, ACCURACY, accuracy, chance, len(test.questions), n_known, unknown)
    return replace(whole, parts=tuple(parts)) if len(parts) > 1 else whole


def known_questions(words: Sequence[str], test: WordTest) -> np.ndarray:
    """Whether each question is known, (n_questions,) bool."""
    has_vector = {word.lower() for word in words}
    return np.array([has_vector.issuperset(question) for question in test.questions], np.bool_)


def keep_questions(test: WordTest, is_kept: np.ndarray) -> WordTest:
    """The test with the questions for which `is_kept` is true, not in sections."""
    questions = tuple(question for question, is_in in zip(test.questions, is_kept, strict=True) if is_in)
    return WordTest(test.name, questions, None if test.ratings is None else test.ratings[is_kept])
