import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labels.settings import WordListSettings
from models.labels.words import UNKNOWN, Labelled, Texts, WordList, fit_words

DICTIONARY = ["tide", "sea", "boat", "rare", "ebb"]


def texts_of(*documents: list[int]) -> Texts:
    return Texts(
        np.array([number for document in documents for number in document], np.int32),
        np.cumsum([0, *map(len, documents)]).astype(np.int64),
    )


def documents_of(texts: Texts) -> list[list[int]]:
    return [texts.ids[begin:end].tolist() for begin, end in zip(texts.starts[:-1], texts.starts[1:], strict=True)]


def test_frequent_words_are_known_the_most_frequent_first_and_ties_by_letters():
    counts = np.array([3, 5, 3, 1, 3])
    assert fit_words(DICTIONARY, counts, WordListSettings(min_count=2)).words == ("sea", "boat", "ebb", "tide")
    assert fit_words(DICTIONARY, counts, WordListSettings(min_count=2, most_words=2)).words == ("sea", "boat")
    assert fit_words(DICTIONARY, counts, WordListSettings(min_count=9)).words == ()
    assert fit_words(DICTIONARY, np.zeros(5, int), WordListSettings(min_count=0)).words == ()


def test_words_become_their_numbers_and_others_are_unknown():
    texts = WordList(("sea", "tide")).encode(DICTIONARY, np.array([0, 3, 1]), np.array([0, 2, 2, 3]))
    assert documents_of(texts) == [[3, UNKNOWN], [], [2]]
    assert documents_of(WordList(()).encode([], np.array([], np.int64), np.array([0, 0]))) == [[]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=6),
    st.integers(0, 4),
    st.integers(0, 4),
    st.randoms(),
)
def test_documents_are_taken_and_cut_as_lists_would_be(documents, n_head, n_tail, chance):
    texts = texts_of(*documents)
    rows = [chance.randrange(len(documents)) for _ in range(4)]
    assert documents_of(texts.take(np.array(rows))) == [documents[row] for row in rows]
    expected = [
        document if len(document) <= n_head + n_tail else document[:n_head] + document[len(document) - n_tail :]
        for document in documents
    ]
    assert documents_of(texts.cut(n_head, n_tail)) == expected


def test_a_mask_takes_what_it_marks():
    given_ones = Labelled(texts_of([1, 2], [3], []), np.array([0, 1, 2]), 3)
    taken = given_ones.take(np.array([True, False, True]))
    assert documents_of(taken.texts) == [[1, 2], []]
    assert (taken.labels.tolist(), taken.n_labels, len(taken)) == ([0, 2], 3, 2)


@pytest.mark.parametrize("rows", [np.array([], np.int64), np.array([False, False])])
def test_nothing_taken_is_no_document(rows):
    assert documents_of(texts_of([1], [2]).take(rows)) == []
