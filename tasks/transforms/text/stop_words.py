"""Words that carry no matter of their own, by language: lists with a name, and lists given word by word."""

from __future__ import annotations

import functools

from tasks.transforms.text.normalise import normalise_word

# What the article on natural language processing drops: the words that its worked example loses, and the three that it
# names.
_ARTICLE_GERMAN = (
    "auf",
    "das",
    "dem",
    "die",
    "diese",
    "etc",
    "ganze",
    "gesamten",
    "in",
    "sowie",
    "und",
    "weise",
    "wir",
)

DEFAULT_LIST = "iso"
LIST_NAMES = {
    "iso": "the list of the package stopwordsiso; none for languages that it does not know",
    "article": "the German list of the article that this project follows; none for other languages",
    "none": "no stop words",
}


class StopListError(ValueError):
    """A stop list that nobody knows; the message names those there are."""


@functools.cache
def stop_words(lang: str, chosen: str | tuple[str, ...] = DEFAULT_LIST) -> frozenset[str]:
    """Normalised forms on the stop list of `lang`: the list of that name (`LIST_NAMES`), or just the words given.

    StopListError for another name.
    """
    if isinstance(chosen, tuple):
        words = chosen
    elif chosen == "iso":
        words = _iso_words(lang)
    elif chosen == "article":
        words = _ARTICLE_GERMAN if lang == "de" else ()
    elif chosen == "none":
        words = ()
    else:
        raise StopListError(
            f"there is no stop list called {chosen!r} (for {lang}):"
            f" give one of {', '.join(LIST_NAMES)}, or the words themselves"
        )
    # The package's lists hold a few slips: `ei,`, `itse”`.
    return frozenset(normalise_word(word.strip(",”"), lang) for word in words)


def _iso_words(lang: str) -> tuple[str, ...]:
    import stopwordsiso  # noqa: PLC0415  # reads all its lists when imported

    return tuple(stopwordsiso.stopwords(lang)) if stopwordsiso.has_lang(lang) else ()
