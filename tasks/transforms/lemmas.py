"""Dictionary forms by simplemma."""

from __future__ import annotations

import functools
from typing import Any

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


def find_lemma(form: str, lang: str) -> str:
    """The dictionary form of a normalised form, with its capital where the language writes one (häuser: Haus).

    The form itself where the language has no dictionary, the dictionary does not know it, or it has over 64 characters.
    """
    if lang not in DICTIONARIES or len(form) > MOST_CHARS:
        return form
    lemma: str | None = _strategy().get_lemma(form, DICTIONARIES[lang])
    return lemma or form


@functools.cache
def _strategy() -> Any:
    """Lookup, then simplemma's own rules; its dictionaries are read at first need (English 0.1 s, German 0.6 s)."""
    from simplemma.strategies import DefaultStrategy  # noqa: PLC0415  # see above

    return DefaultStrategy()
