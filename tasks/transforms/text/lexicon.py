"""The distinct words of a batch of texts, numbered as they come, with all that is known of each, found once a form."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from tasks.transforms.text.lemmas import find_lemma
from tasks.transforms.text.normalise import normalise_word
from tasks.transforms.text.sentences import sentence_traits
from tasks.transforms.text.stems import stem_word
from tasks.transforms.text.stop_words import DEFAULT_LIST, stop_words

NO_TERM = -1


@dataclass(frozen=True)
class TextSettings:
    """`stop_lists` gives a language's stop list: a name (`stop_words.LIST_NAMES`) or the words; of others `iso`."""

    stop_lists: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def stop_list(self, lang: str) -> frozenset[str]:
        """Normalised forms on the stop list of `lang`. StopListError where the settings name a list that is none."""
        return stop_words(lang, self.stop_lists.get(lang, DEFAULT_LIST))


class WordTagger(Protocol):
    """What tags the words of a language; the lexicon knows no model."""

    tags: tuple[str, ...]

    def tag(self, words: Sequence[str], codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Each token's number in `tags`, (n,). `codes` (n,) are places in distinct `words`; `lengths` of sentences."""

    def find_lemma(self, surface: str, tag: str) -> str | None:
        """The dictionary form of a surface form with that tag; None where it is not known."""


class Lexicon:
    """Surface forms, readings, words and terms, each numbered from 0 as they come in.

    A word is a normalised form in a language, shared by its surface forms (Haus, HAUS); its term is its stem in that
    language, unless it is a stop word: those are not indexed. A reading is a surface form with a tag, or without: of
    the noun and the verb `leaves` the lemmas differ.
    """

    def __init__(self, settings: TextSettings, taggers: Mapping[str, WordTagger] | None = None) -> None:
        self.taggers = taggers or {}
        self._settings = settings
        self._reading_numbers: dict[tuple[int, str], int] = {}
        self._form_numbers: dict[str, dict[str, int]] = {}  # by language, as the next two
        self._word_numbers: dict[str, dict[str, int]] = {}
        self._term_numbers: dict[str, dict[str, int]] = {}
        self._forms = {
            "surface": GrowingColumn(pa.string()),
            "reading": GrowingColumn(pa.int32()),
            "word": GrowingColumn(pa.int32()),
            "traits": GrowingColumn(pa.int32()),
        }
        self._readings = {
            "form": GrowingColumn(pa.int32()),
            "pos": GrowingColumn(pa.string()),
            "lemma": GrowingColumn(pa.string()),
        }
        self._words = {
            "lang": GrowingColumn(pa.string()),
            "norm": GrowingColumn(pa.string()),
            "stem": GrowingColumn(pa.string()),
            "is_stop": GrowingColumn(pa.bool_()),
            "term": GrowingColumn(pa.int32()),
        }
        self._terms = {"lang": GrowingColumn(pa.string()), "term": GrowingColumn(pa.string())}

    def number_forms(self, surfaces: Sequence[str], lang: str) -> np.ndarray:
        """Numbers of these distinct surface forms of one language, new ones taken in; int32, shape (n_forms,)."""
        numbers = self._form_numbers.setdefault(lang, {})
        new = [surface for surface in surfaces if surface not in numbers]
        if new:
            norms = [normalise_word(surface, lang) for surface in new]
            numbers.update(zip(new, itertools.count(len(self._forms["surface"]))))
            self._forms["surface"].extend(new)
            first, n_readings = len(self._forms["surface"]) - len(new), len(self._readings["form"])
            self._forms["reading"].extend(range(n_readings, n_readings + len(new)))
            self._readings["form"].extend(range(first, first + len(new)))
            self._readings["pos"].extend([None] * len(new))
            self._readings["lemma"].extend([find_lemma(surface, lang) for surface in new])
            self._forms["word"].extend(self._number_words(norms, lang))
            self._forms["traits"].extend(
                [sentence_traits(surface, norm, lang) for surface, norm in zip(new, norms, strict=True)]
            )
        return np.array([numbers[surface] for surface in surfaces], np.int32)

    def number_readings(self, forms: np.ndarray, tags: np.ndarray, lang: str) -> np.ndarray:
        """Number of the reading of each token of one language, by form and its tag's number; int32, (n_tokens,)."""
        tagger = self.taggers[lang]
        distinct, places = np.unique(forms.astype(np.int64) * len(tagger.tags) + tags, return_inverse=True)
        pairs = [
            (form, tagger.tags[tag])
            for form, tag in zip(*(part.tolist() for part in np.divmod(distinct, len(tagger.tags))), strict=True)
        ]
        new = [pair for pair in pairs if pair not in self._reading_numbers]
        if new:
            of_new = pa.array([form for form, _ in new], pa.int32())
            surfaces = self._forms["surface"].array().take(of_new).to_pylist()
            plain = self._readings["lemma"].array().take(self._forms["reading"].array().take(of_new)).to_pylist()
            lemmas = [tagger.find_lemma(surface, tag) for surface, (_, tag) in zip(surfaces, new, strict=True)]
            self._reading_numbers.update(zip(new, itertools.count(len(self._readings["form"]))))
            self._readings["form"].extend(of_new)
            self._readings["pos"].extend([tag for _, tag in new])
            self._readings["lemma"].extend([lemma or other for lemma, other in zip(lemmas, plain, strict=True)])
        return np.array([self._reading_numbers[pair] for pair in pairs], np.int32)[places]

    def forms(self) -> pa.Table:
        """Every form: `surface`, its untagged `reading`, its `word`, and its `traits` for the end of sentences."""
        return pa.table({name: column.array() for name, column in self._forms.items()})

    def readings(self) -> pa.Table:
        """Every reading: the number of its `form`, its `pos`, NULL where untagged, and its `lemma`."""
        return pa.table({name: column.array() for name, column in self._readings.items()})

    def words(self) -> pa.Table:
        """Every word: `lang, norm, stem, is_stop`, and the number of its `term`, NO_TERM for stop words."""
        return pa.table({name: column.array() for name, column in self._words.items()})

    def terms(self) -> pa.Table:
        """Every term: `lang, term`."""
        return pa.table({name: column.array() for name, column in self._terms.items()})

    def _number_words(self, norms: Sequence[str], lang: str) -> list[int]:
        numbers = self._word_numbers.setdefault(lang, {})
        new = [norm for norm in dict.fromkeys(norms) if norm not in numbers]
        stop_list = self._settings.stop_list(lang)
        stems = [stem_word(norm, lang) for norm in new]
        is_stop = [norm in stop_list for norm in new]
        terms = iter(self._number_terms([stem for stem, stop in zip(stems, is_stop, strict=True) if not stop], lang))
        numbers.update(zip(new, itertools.count(len(self._words["norm"]))))
        self._words["lang"].extend([lang] * len(new))
        self._words["norm"].extend(new)
        self._words["stem"].extend(stems)
        self._words["is_stop"].extend(is_stop)
        self._words["term"].extend([NO_TERM if stop else next(terms) for stop in is_stop])
        return [numbers[norm] for norm in norms]

    def _number_terms(self, stems: Sequence[str], lang: str) -> list[int]:
        numbers = self._term_numbers.setdefault(lang, {})
        new = [stem for stem in dict.fromkeys(stems) if stem not in numbers]
        numbers.update(zip(new, itertools.count(len(self._terms["term"]))))
        self._terms["lang"].extend([lang] * len(new))
        self._terms["term"].extend(new)
        return [numbers[stem] for stem in stems]


class GrowingColumn:
    """An Arrow array that grows at its end by `extend`; what stands in it is not converted again."""

    def __init__(self, kind: pa.DataType) -> None:
        self._array = pa.array([], kind)

    def __len__(self) -> int:
        return len(self._array)

    def extend(self, values: Sequence[str | None] | Sequence[int] | pa.Array) -> None:
        """Put `values` at the end."""
        self._array = pa.concat_arrays([self._array, pa.array(values, self._array.type)])

    def array(self) -> pa.Array:
        """All values, in order."""
        return self._array
