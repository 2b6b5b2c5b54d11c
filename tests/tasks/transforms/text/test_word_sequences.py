import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.text.word_sequences import count_words, encode_words, held_out_tokens, split_by_language

TOKENS = pa.table(
    {
        "doc_id": ["a", "a", "a", "b", "b", "c", "d"],
        "sentence": pa.array([0, 0, 1, 0, 0, 0, 0], pa.int32()),
        "word": ["the", "sea", "rises", "das", "meer", "lost", "the"],
    }
)
LANGUAGES = pa.table({"doc_id": ["d", "b", "a", "e"], "lang": ["en", "de", "en", "fr"]})


def test_each_language_has_its_own_words_in_order_and_starts_where_sentences_do():
    by_lang, n_without = split_by_language(TOKENS, LANGUAGES)
    assert {lang: rows.to_pydict() for lang, rows in by_lang.items()} == {
        "de": {"word": ["das", "meer"], "is_first": [True, False]},
        "en": {"word": ["the", "sea", "rises", "the"], "is_first": [True, False, True, True]},
    }
    assert n_without == 1  # document c has no language here


def test_no_tokens_are_no_languages():
    assert split_by_language(TOKENS.slice(0, 0), LANGUAGES) == ({}, 0)


@given(st.lists(st.lists(st.sampled_from(["b", "a", "ä", "水", "A"]), max_size=8), max_size=5))
def test_counts_do_not_depend_on_how_words_are_cut_into_batches(batches):
    counted = count_words(pa.chunked_array([words], pa.string()) for words in batches)
    whole = [word for words in batches for word in words]
    assert counted.to_pydict() == {"word": sorted(set(whole)), "n": [whole.count(word) for word in sorted(set(whole))]}
    assert encode_words(pa.chunked_array([whole], pa.string()), counted["word"].combine_chunks()).tolist() == [
        sorted(set(whole)).index(word) for word in whole
    ]


def test_word_outside_of_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="1 words are not in the vocabulary"):
        encode_words(pa.chunked_array([["a", "c"]]), pa.array(["a", "b"]))


@pytest.mark.parametrize("cuts", [[], [3], [1, 4, 5], [0, 2, 8]])
def test_sentences_are_held_out_whole_wherever_batches_are_cut(cuts):
    is_first = np.array([1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1], bool)
    together = held_out_tokens(is_first, 0.5, np.random.default_rng(11), is_out_before=False)
    draws, is_out, parts = np.random.default_rng(11), False, []
    for part in np.split(is_first, cuts):
        out = held_out_tokens(part, 0.5, draws, is_out_before=is_out)
        is_out = bool(out[-1]) if out.size else is_out
        parts.append(out)
    assert np.concatenate(parts).tolist() == together.tolist()
    assert 0 < together.sum() < together.size
    sentence = np.cumsum(is_first)
    assert all(len(set(together[sentence == s])) == 1 for s in set(sentence))


def test_share_of_sentences_held_out_is_the_one_asked_for():
    out = held_out_tokens(np.ones(20_000, bool), 0.1, np.random.default_rng(1), is_out_before=False)
    assert abs(out.mean() - 0.1) < 0.01  # one standard deviation is 0.002
