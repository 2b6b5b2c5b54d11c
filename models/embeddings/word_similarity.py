"""How well word vectors agree with people: similarity of pairs, and analogies.

    vectors   (n_words, D), one row a word; `words` are their names in the same order, lower case
    pair      two words, and how similar people say they are
    question  four words a : b = c : d, of which d is to be found

Conventions of the field: everything in lower case; similarity is the cosine; agreement is Spearman's rank correlation
over the pairs of which both words are known, the others counted and their unknown words named; an analogy's answer is
the known word with the largest cosine to b - a + c of unit vectors (3CosAdd, Mikolov et al. 2013c), a, b, c themselves
left out, and questions with an unknown word are counted and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from models.embeddings.nearest_words import nearest_rows, unit_rows


@dataclass(frozen=True)
class WordPairs:
    """Pairs of words (lower case), and how similar they are to people, (n,) float64, on any scale that rises."""

    pairs: tuple[tuple[str, str], ...]
    ratings: np.ndarray


@dataclass(frozen=True)
class SimilarityScore:
    """Spearman's rank correlation (NaN for fewer than two known pairs or all ranks equal), and what it rests on."""

    spearman: float
    n_pairs: int
    n_known: int
    unknown_words: tuple[str, ...]


@dataclass(frozen=True)
class AnalogyScore:
    """Share of answers that are right (NaN where no question is known), and what it rests on."""

    accuracy: float
    n_questions: int
    n_known: int


def score_pairs(vectors: np.ndarray, words: Sequence[str], test: WordPairs) -> SimilarityScore:
    """How well cosines agree with people."""
    row_of = _rows_of(words)
    known = np.array([a in row_of and b in row_of for a, b in test.pairs])
    unknown = tuple(sorted({word for pair in test.pairs for word in pair if word not in row_of}))
    rows = np.array([(row_of[a], row_of[b]) for a, b in test.pairs if a in row_of and b in row_of], np.int64).reshape(
        -1, 2
    )
    cosines = np.einsum("nd,nd->n", unit_rows(vectors[rows[:, 0]]), unit_rows(vectors[rows[:, 1]]))
    return SimilarityScore(spearman(cosines, test.ratings[known]), len(test.pairs), int(known.sum()), unknown)


def score_analogies(
    vectors: np.ndarray, words: Sequence[str], questions: Sequence[tuple[str, str, str, str]]
) -> AnalogyScore:
    """The share of questions whose answer is nearest. One product of a question by all words each."""
    row_of = _rows_of(words)
    known = np.array(
        [[row_of[word] for word in question] for question in questions if all(word in row_of for word in question)],
        np.int64,
    )
    if not known.size:
        return AnalogyScore(float("nan"), len(questions), 0)
    units = unit_rows(vectors)
    a, b, c, d = known.T
    answers, _ = nearest_rows(units, units[b] - units[a] + units[c], 1, left_out=known[:, :3])
    return AnalogyScore(float(np.mean(answers[:, 0] == d)), len(questions), len(known))


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two (n,) arrays, equal values sharing their mean rank; NaN where undefined."""
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:  # a correlation takes two points
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _rows_of(words: Sequence[str]) -> Mapping[str, int]:
    """Each word's row; the first, which is the most frequent, where two are the same in lower case."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word.lower(), row)
    return rows
