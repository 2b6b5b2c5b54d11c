"""Dictionary forms by simplemma."""

from __future__ import annotations

import functools

from tasks.transforms.text.normalise import normalise_word
from tasks.transforms.text.stems import MOST_CHARS, keep

# Languages (ISO 639-1) that simplemma has a dictionary for, under its own code where that differs.
_CODES = (
    "ar bg ca cs cy da de el en eo es et fa fi fr ga gl he hi hu hy id is it ka la lt lv mk ml ms nl pl pt ro ru sk sl"
    " sq sv sw tl tr uk"
)
DICTIONARIES = {lang: lang for lang in _CODES.split()} | {"hr": "hbs", "sr": "hbs", "no": "nb"}


def find_lemma(surface: str, lang: str) -> str:
    """The dictionary form of a surface form, whose capital counts: Häuser is Haus, but haus could be hausen.

    The form itself where the dictionary does not know it or it has over 64 characters; normalised where the language
    has no dictionary.
    """
    return _lemmas(lang)[surface] if lang in DICTIONARIES else normalise_word(surface, lang)


class _Lemmas(dict[str, str]):
    """Lemmas of one language, each found when first asked for, kept from batch to batch in one process."""

    def __init__(self, lang: str) -> None:
        from simplemma.strategies import DefaultStrategy  # noqa: PLC0415  # reads dictionaries: German 0.6 s

        self._find = DefaultStrategy().get_lemma
        self._code = DICTIONARIES[lang]

    def __missing__(self, surface: str) -> str:
        lemma = self._find(surface, self._code) if len(surface) <= MOST_CHARS else surface
        if lemma is None and surface.isupper():
            lemma = self._find(surface.capitalize(), self._code)
        return keep(self, surface, lemma or surface)


_lemmas = functools.cache(_Lemmas)
