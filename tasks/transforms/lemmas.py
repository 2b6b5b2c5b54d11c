"""Dictionary forms by simplemma."""

from __future__ import annotations

import functools
from typing import Any

from tasks.transforms.normalise import normalise_word
from tasks.transforms.stems import MOST_CHARS

# Languages (ISO 639-1) that simplemma has a dictionary for, under its own code where that differs.
DICTIONARIES = {
    **{lang: lang for lang in (
        "ar", "bg", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "fa", "fi", "fr", "ga", "gl", "he", "hi", "hu", "hy",
        "id", "is", "it", "ka", "la", "lt", "lv", "mk", "ml", "ms", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sv", "sw", "tl",
        "tr", "uk",
    )},
    "hr": "hbs", "sr": "hbs", "no": "nb",
}  # fmt: skip
_CACHED = 2**18  # forms kept from batch to batch in one process: some 40 MB


@functools.lru_cache(_CACHED)
def find_lemma(surface: str, lang: str) -> str:
    """The dictionary form of a surface form, whose capital counts: Häuser is Haus, but haus could be hausen.

    The form itself where the dictionary does not know it or it has over 64 characters; normalised where the language has no dictionary.
    """
    if lang not in DICTIONARIES:
        return normalise_word(surface, lang)
    if len(surface) > MOST_CHARS:
        return surface
    lemma: str | None = _strategy().get_lemma(surface, DICTIONARIES[lang])
    if lemma is None and surface.isupper():
        lemma = _strategy().get_lemma(surface.capitalize(), DICTIONARIES[lang])
    return lemma or surface


@functools.cache
def _strategy() -> Any:
    """Lookup, then simplemma's own rules; its dictionaries are read at first need (English 0.1 s, German 0.6 s)."""
    from simplemma.strategies import DefaultStrategy  # noqa: PLC0415  # see above

    return DefaultStrategy()
