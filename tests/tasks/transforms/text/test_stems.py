import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.text.stems import ALGORITHMS, stem_word


@pytest.mark.parametrize(
    ("form", "lang", "stem"),
    [
        ("running", "en", "run"),
        ("häusern", "de", "haus"),
        ("straße", "de", "strass"),
        ("strasse", "de", "strass"),
        ("maisons", "fr", "maison"),
        ("реками", "ru", "рек"),
        ("running", "und", "running"),
        ("3,14", "de", "3,14"),
        ("https://a.org/tests", "en", "https://a.org/tests"),
        ("a" * 65 + "ing", "en", "a" * 65 + "ing"),
    ],
)
def test_a_form_has_its_stem(form, lang, stem):
    assert stem_word(form, lang) == stem


@given(st.text(min_size=1, max_size=20), st.sampled_from(sorted(ALGORITHMS)))
def test_a_stem_is_never_empty(form, lang):
    assert stem_word(form, lang)
