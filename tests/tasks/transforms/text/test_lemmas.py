import pytest

from tasks.transforms.text.lemmas import DICTIONARIES, find_lemma


@pytest.mark.parametrize(
    ("form", "lang", "lemma"),
    [
        ("went", "en", "go"),
        ("mice", "en", "mouse"),
        ("Häuser", "de", "Haus"),
        ("Haus", "de", "Haus"),
        ("haus", "de", "hausen"),
        ("HÄUSER", "de", "Haus"),
        ("Maier", "de", "Maier"),
        ("ging", "de", "gehen"),
        ("maisons", "fr", "maison"),
        ("zzzzz", "en", "zzzzz"),
        ("Went", "und", "went"),
        ("a" * 65, "de", "a" * 65),
    ],
)
def test_a_form_has_its_dictionary_form(form, lang, lemma):
    assert find_lemma(form, lang) == lemma


def test_every_named_dictionary_is_there():
    from simplemma.strategies.dictionaries import dictionary_factory  # noqa: PLC0415  # simplemma is slow to import

    assert set(DICTIONARIES.values()) <= dictionary_factory.SUPPORTED_LANGUAGES
