import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.text.normalise import normalise_text, normalise_word

ANY_CHARACTER = st.characters(exclude_categories=()) | st.sampled_from(
    "\r\n\u2028\ufeff\u00ad\u0301\u0316\u0344\u0958ßẞİ"
)
ANY_TEXT = st.text(ANY_CHARACTER, max_size=80)


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg", "a\nb\nc\nd\ne\nf\ng"),
        ("\ufeffab\u00adc\u200fd\x00\x1be\tf", "abcde\tf"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # ZWNJ tells words apart in Persian
        ("👨\u200d👩", "👨\u200d👩"),
        ("ab\ud800c", "ab\ufffdc"),
        ("  two  \n\n blank ", "  two  \n\n blank "),
    ],
)
def test_text_is_brought_into_one_form(raw, normalised):
    assert normalise_text(raw) == normalised


@settings(max_examples=300, deadline=None)  # the first long run makes its table
@given(ANY_TEXT)
def test_normalising_twice_changes_nothing_more(text):
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()  # no lone surrogate is left


def test_long_runs_of_marks_are_parted_in_linear_time():
    began = time.perf_counter()
    text = normalise_text("a" + "\u0301\u0316" * 500_000)
    assert time.perf_counter() - began < 5  # sorting the one long run by insertion would take hours
    assert max(len(run) for run in text.split("\u034f")) <= 31
    assert normalise_text(text) == text


@pytest.mark.parametrize(
    ("word", "lang", "norm"),
    [
        ("Straße", "de", "straße"),
        ("STRASSE", "de", "strasse"),
        ("MAẞE", "de", "maße"),
        ("Don’t", "en", "don't"),
        ("U.S.", "en", "u.s"),
        ("...", "en", "..."),
        ("ΟΔΟΣ", "el", "οδοσ"),
        ("ISTANBUL", "tr", "ıstanbul"),
        ("ISTANBUL", "en", "istanbul"),
        ("E\u2011Mail", "de", "e-mail"),
    ],
)
def test_words_are_folded(word, lang, norm):
    assert normalise_word(word, lang) == norm


@settings(max_examples=300, deadline=None)  # the first long run makes its table
@given(st.text(ANY_CHARACTER, min_size=1, max_size=10), st.sampled_from(["de", "tr", "und"]))
def test_a_folded_word_is_never_empty_and_in_nfc(word, lang):
    norm = normalise_word(word, lang)
    assert norm
    assert unicodedata.is_normalized("NFC", norm)
