import pytest

from tasks.transforms.text.lexicon import NO_TERM, Lexicon, TextSettings
from tasks.transforms.text.stop_words import StopListError


def test_forms_of_one_word_share_it_and_stop_words_have_no_term():
    lexicon = Lexicon(TextSettings())
    assert lexicon.number_forms(["Haus", "Die", "HÄUSER", "haus"], "de").tolist() == [0, 1, 2, 3]
    assert lexicon.forms()["word"].to_pylist() == [0, 1, 2, 0]
    assert lexicon.readings()["lemma"].to_pylist() == ["Haus", "der", "Haus", "hausen"]
    assert lexicon.words().to_pylist() == [
        {"lang": "de", "norm": "haus", "stem": "haus", "is_stop": False, "term": 0},
        {"lang": "de", "norm": "die", "stem": "die", "is_stop": True, "term": NO_TERM},
        {"lang": "de", "norm": "häuser", "stem": "haus", "is_stop": False, "term": 0},
    ]
    assert lexicon.terms().to_pylist() == [{"lang": "de", "term": "haus"}]


def test_a_form_seen_again_keeps_its_number_and_languages_are_apart():
    lexicon = Lexicon(TextSettings())
    assert lexicon.number_forms(["die"], "de").tolist() == [0]
    assert lexicon.number_forms(["die"], "en").tolist() == [1]
    assert lexicon.number_forms(["new", "die"], "en").tolist() == [2, 1]
    assert lexicon.number_forms(["die"], "de").tolist() == [0]
    assert [row["is_stop"] for row in lexicon.words().to_pylist()] == [True, False, True]
    assert [row["surface"] for row in lexicon.forms().to_pylist()] == ["die", "die", "new"]


def test_stop_lists_are_chosen_by_language():
    lexicon = Lexicon(TextSettings({"de": ("daten",), "en": "none"}))
    lexicon.number_forms(["Daten", "die"], "de")
    lexicon.number_forms(["the"], "en")
    assert lexicon.words()["is_stop"].to_pylist() == [True, False, False]


def test_a_stop_list_that_is_none_is_refused():
    with pytest.raises(StopListError):
        Lexicon(TextSettings({"de": "nltk"})).number_forms(["Daten"], "de")


def test_an_empty_lexicon_has_its_columns():
    lexicon = Lexicon(TextSettings())
    assert lexicon.number_forms([], "de").shape == (0,)
    assert (lexicon.forms().num_rows, lexicon.words().num_rows, lexicon.terms().num_rows) == (0, 0, 0)
