"""Stems by Snowball: what makes forms of one word one term."""

from __future__ import annotations

import functools

import Stemmer

# Snowball's algorithm for each language (ISO 639-1) that has one; forms of the others stay as they are.
ALGORITHMS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
MOST_CHARS = 64  # longer forms are no words; our choice, to keep suffix rules off base64 and the like
MOST_KEPT = 2**18  # some 40 MB a language
_NO_WORD = frozenset(":/@_0123456789")


def stem_word(form: str, lang: str) -> str:
    """The Snowball stem of a normalised form, never empty.

    The form itself where the language has no stemmer, or where it is no word: numbers, addresses, names from programs,
    over 64 characters.
    """
    return _stems(lang)[form] if lang in ALGORITHMS else form


def keep(known: dict[str, str], form: str, value: str) -> str:
    """`value`, put into `known` under `form`; where 2**18 forms are in it, they are forgotten first."""
    if len(known) >= MOST_KEPT:
        known.clear()
    known[form] = value
    return value


class _Stems(dict[str, str]):
    """Stems of one language, each found when first asked for, kept from batch to batch in one process."""

    def __init__(self, lang: str) -> None:
        self._stem = Stemmer.Stemmer(ALGORITHMS[lang], 0).stemWord  # without its own cache

    def __missing__(self, form: str) -> str:
        is_word = len(form) <= MOST_CHARS and _NO_WORD.isdisjoint(form)
        return keep(self, form, (self._stem(form) or form) if is_word else form)


_stems = functools.cache(_Stems)
