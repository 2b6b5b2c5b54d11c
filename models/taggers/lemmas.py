"""Dictionary forms by surface form and tag, as a treebank gives them: of `leaves` as a noun leaf, as a verb leave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

NAMES = ("lemma_forms", "lemma_tags", "lemmas")
SEPARATOR = "\n"  # no word of a treebank holds one


@dataclass(frozen=True)
class TaggedLemmas:
    """Three columns of one length, sorted by the first two, which are distinct."""

    forms: tuple[str, ...]
    tags: tuple[str, ...]
    lemmas: tuple[str, ...]

    @cached_property
    def _by_form(self) -> Mapping[tuple[str, str], str]:
        return {(form, tag): lemma for form, tag, lemma in zip(self.forms, self.tags, self.lemmas, strict=True)}

    def find(self, form: str, tag: str) -> str | None:
        """The lemma of a form with a tag, or of its lower case where only that is known; None where neither is."""
        return self._by_form.get((form, tag)) or self._by_form.get((form.lower(), tag))


def learn_lemmas(tokens: Iterable[tuple[str, str, str | None]]) -> TaggedLemmas:
    """The most frequent lemma of each form with each tag, of (form, tag, lemma), and of each form in lower case; of
    equal ones the first in the alphabet. Those without lemma teach nothing.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    lower: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for form, tag, lemma in tokens:
        if lemma:
            counts[form, tag][lemma] += 1
            lower[form.lower(), tag][lemma] += 1
    seen = {**lower, **counts}  # what was seen in lower case itself goes before what other cases say
    rows = [
        (form, tag, min(of_form, key=lambda lemma: (-of_form[lemma], lemma)))
        for (form, tag), of_form in sorted(seen.items())
    ]
    return TaggedLemmas(
        tuple(form for form, _, _ in rows), tuple(tag for _, tag, _ in rows), tuple(lemma for _, _, lemma in rows)
    )


def as_tensors(lemmas: TaggedLemmas) -> dict[str, np.ndarray]:
    """The columns as arrays of UTF-8 bytes, under `NAMES`."""
    columns = (lemmas.forms, lemmas.tags, lemmas.lemmas)
    return {
        name: np.frombuffer(SEPARATOR.join(column).encode(), np.uint8)
        for name, column in zip(NAMES, columns, strict=True)
    }


def from_tensors(tensors: Mapping[str, np.ndarray]) -> TaggedLemmas:
    """What `as_tensors` took apart; without any lemma where arrays are missing. ValueError where they do not fit."""
    columns = [tensors[name].tobytes().decode() for name in NAMES if name in tensors]
    forms, tags, lemmas = (
        tuple(column.split(SEPARATOR)) if column else () for column in (*columns, "", "", "")[: len(NAMES)]
    )
    if not len(forms) == len(tags) == len(lemmas):
        raise ValueError(f"{len(forms)} forms, {len(tags)} tags and {len(lemmas)} lemmas do not fit each other")
    return TaggedLemmas(forms, tags, lemmas)
