"""What taggers are learned from: published treebanks by language, cut into sentences to learn from and to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.taggers.settings import TaggingSettings

KIND = "hmm_tagger"
UNIDENTIFIED = "und"

Sentence = list[tuple[str, str, str]]
"""(token, UPOS, XPOS) of each token, XPOS "" where the treebank gives none."""


@dataclass(frozen=True)
class TreebankPart:
    """What a fit reads: files of the treebank, the documents of a language in them, and their snapshot."""

    lang: str
    treebank: tuple[FileRef, ...]
    doc_ids: tuple[str, ...]
    snapshot_id: str
    settings: TaggingSettings

    @property
    def subject(self) -> str:
        """What people call it."""
        return f"treebank of {self.lang}"


@dataclass(frozen=True)
class TaggedSide:
    """Sentences to learn from, or those to score on, and the lemmas of all their tokens in order; None = not given."""

    sentences: list[Sentence]
    lemmas: list[str | None]

    def words(self) -> list[list[str]]:
        """The tokens of each sentence."""
        return [[token for token, _, _ in sentence] for sentence in self.sentences]

    def lemma_rows(self) -> list[tuple[str, str, str | None]]:
        """(token, UPOS, lemma) of each token."""
        tokens = (token for sentence in self.sentences for token in sentence)
        return [(token, upos, lemma) for (token, upos, _), lemma in zip(tokens, self.lemmas, strict=True)]


def tagged_languages(lake: Lake, documents: Sequence[FileRef], tagged: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The ids of `tagged` documents by language, sorted; those of no identified language have no tagger."""
    rows = read_table(lake, documents, ["doc_id", "lang"])
    rows = rows.filter(pc.is_in(rows["doc_id"], pa.array(sorted(tagged)))).sort_by("doc_id")
    of_lang: dict[str, list[str]] = {}
    for doc_id, lang in zip(rows["doc_id"].to_pylist(), rows["lang"].to_pylist(), strict=True):
        if lang != UNIDENTIFIED:
            of_lang.setdefault(lang, []).append(doc_id)
    return {lang: tuple(doc_ids) for lang, doc_ids in of_lang.items()}


def read_sides(lake: Lake, part: TreebankPart) -> tuple[TaggedSide, TaggedSide]:
    """The sentences to learn from and those to score on; words decide, so that equal sentences are on one side."""
    columns = ("doc_id", "sentence", "token", "lemma", "upos", "xpos")
    rows = read_table(lake, part.treebank, [*columns, "position"])
    rows = rows.filter(pc.is_in(rows["doc_id"], pa.array(part.doc_ids)))
    rows = rows.sort_by([("doc_id", "ascending"), ("position", "ascending")])
    sentences: list[tuple[Sentence, list[str | None]]] = []
    before: tuple[str, int] | None = None
    for doc_id, number, token, lemma, upos, xpos in zip(*(rows[name].to_pylist() for name in columns), strict=True):
        if (doc_id, number) != before:
            sentences.append(([], []))
            before = doc_id, number
        sentence, lemmas = sentences[-1]
        sentence.append((token, upos, xpos or ""))
        lemmas.append(lemma)
    sides = TaggedSide([], []), TaggedSide([], [])
    for sentence, lemmas in sentences:
        side = sides[is_held_out(sentence, part.settings.held_out_nth)]
        side.sentences.append(sentence)
        side.lemmas.extend(lemmas)
    return sides


def is_held_out(sentence: Sentence, nth: int) -> bool:
    """Whether a sentence is scored on: one in `nth`, by the digest of its words."""
    digest = hashlib.sha256("\n".join(token for token, _, _ in sentence).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % nth == 0
