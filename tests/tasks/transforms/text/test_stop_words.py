import pytest

from tasks.transforms.text.normalise import normalise_word
from tasks.transforms.text.stop_words import LIST_NAMES, StopListError, stop_words


def test_the_iso_list_is_the_default_and_holds_function_words():
    assert {"the", "and", "don't"} <= stop_words("en")
    assert {"der", "und", "z.b", "müßt"} <= stop_words("de")
    assert stop_words("und") == frozenset()


def test_the_articles_list_is_german_only():
    assert {"auf", "sowie", "etc"} <= stop_words("de", "article")
    assert stop_words("en", "article") == frozenset()


def test_a_list_can_be_none_or_given_word_by_word():
    assert stop_words("de", "none") == frozenset()
    assert stop_words("de", ("Straße", "DATEN")) == {"straße", "daten"}


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(StopListError, match=r"'nltk' \(for de\): give one of " + ", ".join(LIST_NAMES)):
        stop_words("de", "nltk")


@pytest.mark.parametrize("lang", ["en", "de", "tr", "ru", "zh"])
def test_words_of_a_list_are_in_the_form_of_tokens(lang):
    assert all(normalise_word(word, lang) == word for word in stop_words(lang))
