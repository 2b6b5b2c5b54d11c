"""Stems by Snowball: what makes forms of one word one term."""

from __future__ import annotations

import functools
from typing import Any

import Stemmer

# Snowball's algorithm for each language (ISO 639-1) that has one; forms of the others stay as they are.
ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "eo": "esperanto",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
MOST_CHARS = 64  # longer forms are no words; our choice, to keep suffix rules off base64 and the like
_CACHED = 2**18  # forms kept from batch to batch in one process: some 40 MB
_NO_WORD = frozenset(":/@_0123456789")


@functools.lru_cache(_CACHED)
def stem_word(form: str, lang: str) -> str:
    """The Snowball stem of a normalised form, never empty.

    The form itself where the language has no stemmer, or where it is no word: numbers, addresses, names from programs, over 64 characters.
    """
    if lang not in ALGORITHMS or len(form) > MOST_CHARS or not _NO_WORD.isdisjoint(form):
        return form
    stem: str = _stemmer(lang).stemWord(form)
    return stem or form


@functools.cache
def _stemmer(lang: str) -> Any:
    return Stemmer.Stemmer(ALGORITHMS[lang], 0)  # no cache of its own: each form comes once
