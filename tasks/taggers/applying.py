"""Champions at work, one a language: the taggers that their stage last left, as `tasks.features` applies them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.numpy

from models.taggers.lemmas import TaggedLemmas
from models.taggers.lemmas import from_tensors as lemmas_from_tensors
from models.taggers.storage import from_tensors
from models.taggers.tagger import Tagger, TaggerError
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.learning.model_store import CARD, WEIGHTS
from tasks.taggers.data import KIND


@dataclass(frozen=True)
class TaggerFiles:
    """Where the tagger of a language lies."""

    lang: str
    weights: FileRef
    card: FileRef


class LanguageTagger:
    """A tagger as `transforms.lexicon` takes it: parts of speech by number, and lemmas by part of speech."""

    def __init__(self, tagger: Tagger, lemmas: TaggedLemmas) -> None:
        of_states = [upos for upos, _, _ in tagger.states]
        self.tags: tuple[str, ...] = tuple(sorted(set(of_states)))
        self._tagger, self._lemmas = tagger, lemmas
        self._tag_of_state = np.array([self.tags.index(upos) for upos in of_states], np.int32)

    def tag(self, words: Sequence[str], codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The number in `tags` of each token, int32 (n,). `codes` (n,) says which of the distinct `words` it is;
        `lengths` of sentences.
        """
        tags: np.ndarray = self._tag_of_state[self._tagger.tag(words, codes, lengths)]
        return tags

    def find_lemma(self, surface: str, tag: str) -> str | None:
        """The lemma that the treebank gives the form with that tag; None where it has none."""
        return self._lemmas.find(surface, tag)


def present_taggers(lake: Lake, taggers_left: StageRecord | None) -> Mapping[str, TaggerFiles]:
    """By language the taggers that their stage last left; none where it never ran."""
    if taggers_left is None:
        return {}
    files = {ref.path: ref for ref in taggers_left.working}
    found = {}
    for row in read_table(lake, taggers_left.tables["models"], ["kind", "lang", "path", "is_champion"]).to_pylist():
        weights, card = (files.get(f"{row['path']}/{name}") for name in (WEIGHTS, CARD))
        if row["kind"] == KIND and row["is_champion"] and weights is not None and card is not None:
            found[row["lang"]] = TaggerFiles(row["lang"], weights, card)
    return found


def open_tagger(lake: Lake, files: TaggerFiles) -> LanguageTagger:
    """The tagger in `files`. TaggerError where this code cannot read it."""
    try:
        tensors = safetensors.numpy.load_file(lake.locate(files.weights.path))
        notes = json.loads(lake.locate(files.card.path).read_bytes())["notes"]
        return LanguageTagger(from_tensors(tensors, notes), lemmas_from_tensors(tensors))
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise TaggerError(f"the tagger of {files.lang} cannot be read ({error}): train it again") from error
