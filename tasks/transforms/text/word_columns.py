"""A word alone, in the form in which a column of `tokens` holds it: a model of stems can so be asked for a word."""

from __future__ import annotations

from typing import Literal

from tasks.transforms.text.lemmas import find_lemma
from tasks.transforms.text.normalise import normalise_word
from tasks.transforms.text.stems import stem_word

WordColumn = Literal["token", "norm", "stem", "lemma"]
"""The columns of `tokens` that word vectors can be learned from."""


def word_in_column(word: str, lang: str, column: WordColumn) -> str:
    """The word as `column` holds it, in lower case, which is how tests of word vectors compare.

    As in `tokens`, a lemma is looked for by the word as it is written: the capital of a German noun counts.
    """
    match column:
        case "token":
            form = word
        case "norm":
            form = normalise_word(word, lang)
        case "stem":
            form = stem_word(normalise_word(word, lang), lang)
        case "lemma":
            form = find_lemma(word, lang)
    return form.lower()
