"""The distinct words of a batch of texts, numbered as they come, with all that is known of each: found once a form, not once a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tasks.transforms.lemmas import find_lemma
from tasks.transforms.normalise import normalise_word
from tasks.transforms.sentences import sentence_traits
from tasks.transforms.stems import stem_word
from tasks.transforms.stop_words import DEFAULT_LIST, stop_words

NO_TERM = -1


@dataclass(frozen=True)
class TextSettings:
    """`stop_lists` gives the stop list of a language: the name of one (`stop_words.LIST_NAMES`) or the words; of others it is `iso`."""

    stop_lists: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def stop_list(self, lang: str) -> frozenset[str]:
        """Normalised forms on the stop list of `lang`. StopListError where the settings name a list that is none."""
        return stop_words(lang, self.stop_lists.get(lang, DEFAULT_LIST))


class Lexicon:
    """Surface forms, words and terms, each numbered from 0 in order of first sight.

    A word is a normalised form in a language, shared by its surface forms (Haus, HAUS); its term is its stem in that language, unless it is
    a stop word: those are not indexed.
    """

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        self._form_numbers: dict[str, dict[str, int]] = {}  # by language, as the next two
        self._word_numbers: dict[str, dict[str, int]] = {}
        self._term_numbers: dict[str, dict[str, int]] = {}
        self._forms = {
            "surface": GrowingColumn(pa.string()), "lemma": GrowingColumn(pa.string()), "word": GrowingColumn(pa.int32()),
            "traits": GrowingColumn(pa.int32()),
        }  # fmt: skip
        self._words = {
            "lang": GrowingColumn(pa.string()), "norm": GrowingColumn(pa.string()), "stem": GrowingColumn(pa.string()),
            "is_stop": GrowingColumn(pa.bool_()), "term": GrowingColumn(pa.int32()),
        }  # fmt: skip
        self._terms = {"lang": GrowingColumn(pa.string()), "term": GrowingColumn(pa.string())}

    def number_forms(self, surfaces: Sequence[str], langs: Sequence[str]) -> np.ndarray:
        """Number of each surface form in its language; new ones are taken in. Int32, shape (n_forms,)."""
        known = {lang: self._form_numbers.setdefault(lang, {}) for lang in set(langs)}
        numbers = [
            found if (found := known[lang].get(surface)) is not None else self._take_in_form(surface, lang)
            for surface, lang in zip(surfaces, langs, strict=True)
        ]
        return np.array(numbers, np.int32)

    def forms(self) -> pa.Table:
        """Every form: `surface`, `lemma`, the number of its `word`, its `traits` for the end of sentences (`token_scan`)."""
        return pa.table({name: column.array() for name, column in self._forms.items()})

    def words(self) -> pa.Table:
        """Every word: `lang, norm, stem, is_stop`, and the number of its `term`, NO_TERM for stop words."""
        return pa.table({name: column.array() for name, column in self._words.items()})

    def terms(self) -> pa.Table:
        """Every term: `lang, term`."""
        return pa.table({name: column.array() for name, column in self._terms.items()})

    def _take_in_form(self, surface: str, lang: str) -> int:
        norm = normalise_word(surface, lang)
        word = self._word_numbers.setdefault(lang, {}).get(norm)
        if word is None:
            word = self._take_in_word(norm, lang)
        forms = self._forms
        number = self._form_numbers[lang][surface] = len(forms["surface"])
        forms["surface"].append(surface)
        forms["lemma"].append(find_lemma(surface, lang))
        forms["word"].append(word)
        forms["traits"].append(sentence_traits(surface, norm, lang))
        return number

    def _take_in_word(self, norm: str, lang: str) -> int:
        stem = stem_word(norm, lang)
        is_stop = norm in self._settings.stop_list(lang)
        words = self._words
        number = self._word_numbers[lang][norm] = len(words["norm"])
        words["lang"].append(lang)
        words["norm"].append(norm)
        words["stem"].append(stem)
        words["is_stop"].append(is_stop)
        words["term"].append(NO_TERM if is_stop else self._number_term(stem, lang))
        return number

    def _number_term(self, term: str, lang: str) -> int:
        numbers = self._term_numbers.setdefault(lang, {})
        number = numbers.get(term)
        if number is None:
            number = numbers[term] = len(self._terms["term"])
            self._terms["term"].append(term)
            self._terms["lang"].append(lang)
        return number


class GrowingColumn:
    """An Arrow array that grows at its end by `append`; what stands in it is not converted again."""

    def __init__(self, kind: pa.DataType) -> None:
        self._array = pa.array([], kind)
        self._new: list[str | int] = []
        self.append = self._new.append

    def __len__(self) -> int:
        return len(self._array) + len(self._new)

    def array(self) -> pa.Array:
        """All values, in order."""
        if self._new:
            self._array = pa.concat_arrays([self._array, pa.array(self._new, self._array.type)])
            self._new.clear()
        return self._array
